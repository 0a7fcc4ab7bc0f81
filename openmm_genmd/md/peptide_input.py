"""A peptide of a given sequence, ready for a simulation: `peptide_input`."""

from __future__ import annotations

import numpy as np
import openmm
from openmm import app

from openmm_genmd.data.peptides import Caps, build_peptide
from openmm_genmd.md.system_input import SystemInput, system_from_force_field
from openmm_genmd.representations.geometry_check import check

IMPLICIT_SOLVENT = "amber99sbildn.xml,amber99_obc.xml"
"""The force field with the fastest implicit solvent of OpenMM on a CPU."""

_MINIMIZER_STEPS = 500


def peptide_input(
    sequence: str,
    caps: Caps = "ace-nme",
    force_field: str = IMPLICIT_SOLVENT,
    *,
    constraints: str | None = None,
    nonbonded: str | None = None,
    cutoff_nm: float = 1.0,
) -> SystemInput:
    """Peptide with its System, built, minimized and checked.

    Parameters
    ----------
    sequence, caps
        See `build_peptide`.
    force_field
        Names of OpenMM force field files separated by commas.
    constraints, nonbonded, cutoff_nm
        As for `load_system_input`.

    Raises
    ------
    ValueError
        If sequence, caps or an option is unknown, or the force field does not know the peptide.
    RuntimeError
        If what was built is not sound: bonds, angles, clashes, chirality, or a peptide bond that
        is not trans.

    Examples
    --------
    >>> peptide = peptide_input("GA")
    >>> peptide.positions_nm.shape, peptide.system.getNumParticles()
    ((29, 3), 29)
    """
    topology, built_nm = build_peptide(sequence, caps)
    system = system_from_force_field(
        *(topology, force_field),
        constraints=constraints,
        nonbonded=nonbonded,
        cutoff_nm=cutoff_nm,
        source=f"the peptide {sequence}",
    )
    positions_nm = _minimized(system, built_nm)
    require_sound(sequence, topology, positions_nm)
    return SystemInput(topology, positions_nm, system)


def require_sound(
    sequence: str, topology: app.Topology, positions_nm: np.typing.NDArray[np.float64]
) -> None:
    """None if a peptide has sound bonds, L residues and trans peptide bonds.

    Raises
    ------
    RuntimeError
        If it has not.
    """
    report = check(positions_nm, topology)
    problems = report.problems()
    for label, omega in zip(report.omega_labels, report.omega_rad[0], strict=True):
        if abs(omega) < np.pi / 2:
            problems.append(f"peptide bond {label} is cis")
    if problems:
        raise RuntimeError(
            f"the peptide {sequence} that was built is not sound: {'; '.join(problems)}; try "
            "another force field, or give a structure of your own"
        )


def _minimized(
    system: openmm.System, positions_nm: np.typing.NDArray[np.float64]
) -> np.typing.NDArray[np.float64]:
    """On the Reference platform, which gives the same numbers every time."""
    context = openmm.Context(
        system,
        openmm.VerletIntegrator(0.001),
        openmm.Platform.getPlatformByName("Reference"),
    )
    context.setPositions(positions_nm)
    openmm.LocalEnergyMinimizer.minimize(context, maxIterations=_MINIMIZER_STEPS)
    state = context.getState(positions=True)
    return np.asarray(state.getPositions(asNumpy=True)._value, dtype=np.float64)
