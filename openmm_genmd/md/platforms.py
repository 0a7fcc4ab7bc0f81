"""OpenMM platforms by name."""

from __future__ import annotations

import openmm


def platform_names() -> list[str]:
    """Names of the platforms that OpenMM has in this process."""
    n = openmm.Platform.getNumPlatforms()
    return [openmm.Platform.getPlatform(i).getName() for i in range(n)]


def find_platform(name: str) -> openmm.Platform:
    """Return the platform of this name.

    Parameters
    ----------
    name
        For instance ``Reference``, ``CPU``, ``CUDA``.

    Raises
    ------
    ValueError
        If OpenMM has no such platform here.

    Examples
    --------
    >>> find_platform("Reference").getName()
    'Reference'
    """
    names = platform_names()
    if name not in names:
        raise ValueError(f"platform must be one of {', '.join(names)}, got {name!r}")
    return openmm.Platform.getPlatformByName(name)
