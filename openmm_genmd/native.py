"""The compiled extension, loaded only into the OpenMM that it was built against."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import openmm


def minor_version(version: str) -> str:
    """Major and minor part of a version: ``8.6`` of ``8.6.1``."""
    return ".".join(version.split(".")[:2])


def require_same_openmm(built_against: str, running: str) -> None:
    """Return if the two versions share their binary interface.

    Parameters
    ----------
    built_against, running
        OpenMM versions such as ``8.6.1``.

    Raises
    ------
    ImportError
        If they differ in the major or minor number: the extension would crash.
    """
    if minor_version(built_against) != minor_version(running):
        raise ImportError(
            f"openmm_genmd was built against OpenMM {built_against}, but OpenMM {running} is "
            f"running. Install the matching one "
            f"(pip install 'openmm=={minor_version(built_against)}.*'), or rebuild "
            "openmm_genmd (pip install --force-reinstall --no-cache-dir openmm-genmd)."
        )


def load_core() -> ModuleType:
    """Return the extension module after checking that it fits the running OpenMM.

    Raises
    ------
    ImportError
        If openmm_genmd was not built, or for another OpenMM.
    """
    try:
        built_against = import_module("openmm_genmd._build_info").OPENMM_VERSION
    except ImportError as error:
        raise ImportError(
            "openmm_genmd is not built: its compiled part is missing. Install it with "
            "'pip install .' from the project's folder instead of importing the source tree."
        ) from error
    require_same_openmm(built_against, openmm.Platform.getOpenMMVersion())
    return import_module("openmm_genmd._core")


core = load_core()
"""The extension module."""
