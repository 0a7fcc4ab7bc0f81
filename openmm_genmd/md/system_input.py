"""What is simulated, from the files that a user names: topology, positions and System."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app, unit

from openmm_genmd.data.structure_file import load_structure_file

CONSTRAINTS: dict[str, Any] = {
    "none": None,
    "HBonds": app.HBonds,
    "AllBonds": app.AllBonds,
    "HAngles": app.HAngles,
}
"""Names accepted for ``constraints``."""

NONBONDED: dict[str, Any] = {
    "NoCutoff": app.NoCutoff,
    "CutoffNonPeriodic": app.CutoffNonPeriodic,
    "CutoffPeriodic": app.CutoffPeriodic,
    "Ewald": app.Ewald,
    "PME": app.PME,
    "LJPME": app.LJPME,
}
"""Names accepted for ``nonbonded``."""


@dataclass(frozen=True)
class SystemInput:
    """A molecule with its force field, ready for a Context.

    Attributes
    ----------
    topology
        Atoms, bonds, residues.
    positions_nm
        ``(n_particles, 3)`` float64, nm.
    system
        Masses, constraints, forces.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> system = app.ForceField("amber99sbildn.xml").createSystem(topology)
    >>> SystemInput(topology, positions_nm, system).positions_nm.shape
    (22, 3)
    """

    topology: app.Topology
    positions_nm: NDArray[np.float64]
    system: openmm.System


def load_system_input(
    pdb: str | Path,
    system: str,
    *,
    constraints: str | None = None,
    nonbonded: str | None = None,
    cutoff_nm: float = 1.0,
) -> SystemInput:
    """Topology and positions from a structure file, with the System that goes with them.

    Parameters
    ----------
    pdb
        A PDB file, or PDBx/mmCIF if it ends in ``.cif``.
    system
        A serialized System (an XML file with root ``<System>``), or names of OpenMM force field
        files separated by commas, such as ``amber99sbildn.xml,amber99_obc.xml``.
    constraints
        A key of `CONSTRAINTS`; ``HBonds`` if left out. Force fields only.
    nonbonded
        A key of `NONBONDED`; if left out ``PME`` with a periodic box, ``NoCutoff`` without.
        Force fields only.
    cutoff_nm
        Nonbonded cutoff; not used with ``NoCutoff``.

    Raises
    ------
    FileNotFoundError
        If the structure, or a System file, does not exist.
    ValueError
        If a file cannot be read, an option is unknown or does not apply, the force field does not
        know the molecule, or the numbers of particles differ.

    Examples
    --------
    >>> from importlib.resources import files
    >>> pdb = files("openmm_genmd") / "data/structures/alanine-dipeptide.pdb"
    >>> given = load_system_input(pdb, "amber99sbildn.xml,amber99_obc.xml")
    >>> given.system.getNumParticles(), given.system.getNumConstraints()
    (22, 12)
    """
    topology, positions = load_structure_file(pdb)
    if _is_serialized_system(system):
        given = {"constraints": constraints, "nonbonded": nonbonded}
        needless = [name for name, value in given.items() if value is not None]
        if needless:
            raise ValueError(
                f"{system} is a serialized System, which fixes its own {' and '.join(needless)}; "
                "leave the option out, or name force field files instead"
            )
        built = _deserialize(system)
    else:
        built = system_from_force_field(
            *(topology, system),
            constraints=constraints,
            nonbonded=nonbonded,
            cutoff_nm=cutoff_nm,
            source=pdb,
        )
    # Virtual sites and Drude particles are atoms of the Topology too.
    if built.getNumParticles() != len(positions):
        raise ValueError(
            f"{pdb} has {len(positions)} atoms, but {system} has {built.getNumParticles()} "
            "particles; give the structure from which the System was made"
        )
    if built.usesPeriodicBoundaryConditions() and topology.getPeriodicBoxVectors() is None:
        # OpenMM writes boxes to trajectories only if the Topology has one.
        vectors = [v.value_in_unit(unit.nanometer) for v in built.getDefaultPeriodicBoxVectors()]
        topology.setPeriodicBoxVectors(vectors * unit.nanometer)
    return SystemInput(topology, positions, built)


def _is_serialized_system(system: str) -> bool:
    path = Path(system)
    if not path.is_file():
        return False
    try:
        _, root = next(ElementTree.iterparse(path, events=("start",)))
    except (ElementTree.ParseError, StopIteration) as error:
        raise ValueError(
            f"{system} is not XML ({error}); expected a serialized System or a force field"
        ) from None
    return bool(root.tag == "System")


def _deserialize(path: str) -> openmm.System:
    try:
        return openmm.XmlSerializer.deserialize(Path(path).read_text())
    except (openmm.OpenMMException, ValueError) as error:
        raise ValueError(
            f"cannot read the System in {path}: {error}; write it with "
            "openmm.XmlSerializer.serialize(system)"
        ) from None


def system_from_force_field(
    topology: app.Topology,
    names: str,
    *,
    constraints: str | None = None,
    nonbonded: str | None = None,
    cutoff_nm: float = 1.0,
    source: str | Path = "the structure",
) -> openmm.System:
    """System of a Topology in a force field.

    Parameters
    ----------
    topology
        With bonds and hydrogens.
    names
        Of OpenMM force field files, separated by commas.
    constraints, nonbonded, cutoff_nm
        As for `load_system_input`.
    source
        Where the Topology is from, for messages.

    Raises
    ------
    ValueError
        If a file cannot be loaded, an option is unknown, or the force field does not know the
        molecule.
    """
    if nonbonded is None:
        nonbonded = "NoCutoff" if topology.getPeriodicBoxVectors() is None else "PME"
    options = {
        "constraints": _choose("constraints", constraints or "HBonds", CONSTRAINTS),
        "nonbondedMethod": _choose("nonbonded", nonbonded, NONBONDED),
    }
    if nonbonded != "NoCutoff":
        options["nonbondedCutoff"] = cutoff_nm * unit.nanometer
    try:
        force_field = app.ForceField(*(name.strip() for name in names.split(",")))
    except Exception as error:  # missing files, bad XML and bad parameters all end here
        raise ValueError(
            f"cannot load the force field {names}: {error}; expected a file with a serialized "
            "System, or names such as amber99sbildn.xml,amber99_obc.xml"
        ) from error
    try:
        return force_field.createSystem(topology, **options)
    except ValueError as error:
        raise ValueError(
            f"the force field {names} does not fit {source}: {error} Check hydrogens, terminal "
            "caps and residue names, or give a serialized System"
        ) from None


def _choose(name: str, value: str, known: dict[str, Any]) -> Any:
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
    return known[value]
