"""Jump kernels that keep everything on a platform's device, loaded where they work.

On platforms without one, jumps go through host memory: same results, more time per jump.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import openmm

from openmm_genmd.md.platforms import platform_names
from openmm_genmd.native import core

PLATFORMS = ("OpenCL", "CUDA", "HIP")
LOADED = "loaded"


def load_kernels(name: str, folder: Path, not_built: dict[str, str]) -> str:
    """``"loaded"``, or why the kernels of a platform are not there.

    Parameters
    ----------
    name
        Name of the platform, as OpenMM spells it.
    folder
        Where the kernel libraries lie.
    not_built
        Reasons why libraries were left out of this build, by platform.
    """
    library = folder / f"libOpenMMGenMD{name}.so"
    if not library.exists():
        return f"not built: {not_built.get(name, f'{library} is missing')}"
    if name not in platform_names():
        return f"built, but this OpenMM has no {name} platform (or could not load it)"
    try:
        openmm.Platform.loadPluginLibrary(str(library))
    except Exception as error:  # whatever it is, the package works without these kernels
        return f"built, but could not be loaded: {error}"
    return LOADED


def load_all_kernels() -> dict[str, str]:
    """State of the kernels of each platform after loading those that can be loaded."""
    not_built = getattr(import_module("openmm_genmd._build_info"), "NOT_BUILT", {})
    folder = Path(str(core.__file__)).parent / "lib" / "plugins"
    return {name: load_kernels(name, folder, not_built) for name in PLATFORMS}


_states = load_all_kernels()


def available() -> dict[str, str]:
    """For each platform with kernels of its own, ``"loaded"`` or why they are not used.

    Examples
    --------
    >>> from openmm_genmd.md.platform_kernels import available
    >>> sorted(available())
    ['CUDA', 'HIP', 'OpenCL']
    """
    return dict(_states)
