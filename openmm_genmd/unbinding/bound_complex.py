"""A receptor with its ligand bound, ready for a Context: `BoundComplex`, `read_complex`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app, unit

from openmm_genmd.data.ligand_selection import select_ligand
from openmm_genmd.data.molecules import BondGraph, add_missing_bonds, check_particle_count
from openmm_genmd.md.system_input import SystemInput, load_system_input
from openmm_genmd.representations.complex_atoms import pocket_residues
from openmm_genmd.unbinding.bound_state import require_bound, require_model_size
from openmm_genmd.unbinding.contacts import heavy_atoms
from openmm_genmd.unbinding.frozen_surroundings import freeze
from openmm_genmd.unbinding.periodic_complex import gather

Integers = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class BoundComplex:
    """A receptor (protein or host) with its ligand bound.

    Water and ions, which are all molecules with a single heavy atom, are neither receptor nor
    ligand.

    Attributes
    ----------
    name
        For files and reports.
    topology
        All particles, with all bonds.
    system
        Masses, constraints, forces.
    positions_nm
        ``(n_particles, 3)`` float64, nm, of the bound state; ligand and receptor are whole and in
        the same periodic image.
    ligand
        ``(n,)``, indices of its particles, hydrogens included, ascending.
    receptor
        The same of all its residues.
    pocket
        The part of `receptor` that a model is shown, whole residues; all of it by default.
    temperature_k
        At which it is simulated.
    helices
        Index of each residue in a helix -> the helix's letter, where the structure does not tell
        since only a part of the receptor is there; None: see `helix_letters`.

    Examples
    --------
    >>> from openmm_genmd.unbinding.bundled_systems import bundled_complex
    >>> complex = bundled_complex("cb7-b2")
    >>> complex.topology.getNumAtoms(), len(complex.receptor), len(complex.ligand_heavy)
    (156, 126, 12)
    """

    name: str
    topology: app.Topology
    system: openmm.System
    positions_nm: NDArray[np.float64]
    ligand: Integers
    receptor: Integers
    pocket: Integers
    temperature_k: float
    helices: dict[int, str] | None = None

    @classmethod
    def of(
        cls,
        given: SystemInput,
        ligand: str,
        *,
        name: str,
        temperature_k: float = 300.0,
        pocket_nm: float | None = None,
        frozen: bool = False,
    ) -> Self:
        """Complex that is sound: one ligand, bound, not too large.

        Parameters
        ----------
        given
            Topology, positions and System. Bonds that only the System has are added to the
            Topology.
        ligand
            Its selection, see `select_ligand`.
        name, temperature_k
            See the class.
        pocket_nm
            Shows a model only the residues with a heavy atom within this distance of the ligand.
        frozen
            Whether the receptor outside the pocket is held where it is, by masses of zero.

        Raises
        ------
        ValueError
            If the ligand is not one whole molecule, or not bound, or there is no receptor, or
            either is too large, or an option makes no sense.
        """
        _require_options(temperature_k, pocket_nm, frozen)
        _require_finite(given.positions_nm, name)
        check_particle_count(given.topology, given.system)
        graph = BondGraph.of(given.topology, given.system)
        selected = select_ligand(given.topology, ligand, graph)
        receptor = _receptor(given.topology, graph, selected)
        add_missing_bonds(given.topology, graph)
        x = gather(given.positions_nm, given.system, given.topology, graph, selected, receptor)
        require_bound(given.topology, x, receptor, selected)
        pocket = receptor
        if pocket_nm is not None:
            near = pocket_residues(given.topology, x, selected, radius_nm=pocket_nm)
            pocket = np.intersect1d(near, receptor).astype(np.intp)
        require_model_size(given.topology, pocket, selected, name)
        system = given.system
        if frozen:
            system = freeze(system, np.setdiff1d(receptor, pocket))
        return cls(name, given.topology, system, x, selected, receptor, pocket, temperature_k)

    @cached_property
    def ligand_heavy(self) -> Integers:
        """Those of `ligand` that are heavier than hydrogen."""
        return heavy_atoms(self.topology, self.ligand)

    @cached_property
    def receptor_heavy(self) -> Integers:
        """Those of `receptor` that are heavier than hydrogen."""
        return heavy_atoms(self.topology, self.receptor)

    @cached_property
    def pocket_heavy(self) -> Integers:
        """Those of `pocket` that are heavier than hydrogen."""
        return heavy_atoms(self.topology, self.pocket)

    @cached_property
    def box_nm(self) -> NDArray[np.float64] | None:
        """Box vectors ``(3, 3)``, nm, with which the MD begins; None if it is not periodic."""
        if not self.system.usesPeriodicBoundaryConditions():
            return None
        vectors = self.system.getDefaultPeriodicBoxVectors()
        return np.array([vector.value_in_unit(unit.nanometer) for vector in vectors])


def read_complex(
    pdb: str | Path,
    system: str | Path,
    ligand: str,
    *,
    name: str | None = None,
    temperature_k: float = 300.0,
    pocket_nm: float | None = None,
    frozen: bool = False,
    **force_field: Any,
) -> BoundComplex:
    """Complex from a user's own files.

    Explicit solvent is taken as it is; a model sees neither water nor ions.

    Parameters
    ----------
    pdb
        PDB or PDBx/mmCIF file of the bound state, with hydrogens.
    system
        Serialized System (XML), or names of force field files separated by commas.
    ligand
        Its selection: the name of its residue, ``"chain B"``, ``"resSeq 401"`` or an expression
        of mdtraj. A single whole molecule.
    name
        By default that of the PDB file without its ending.
    temperature_k
        At which it is simulated.
    pocket_nm, frozen
        See `BoundComplex.of`.
    **force_field
        ``constraints``, ``nonbonded`` and ``cutoff_nm`` of `load_system_input`.

    Raises
    ------
    FileNotFoundError
        If a file does not exist.
    ValueError
        If a file cannot be read, the force field does not know a residue, PDB and System differ
        in their number of particles, or for the reasons of `BoundComplex.of`.

    Examples
    --------
    >>> import tempfile
    >>> from openmm_genmd.unbinding.bundled_systems import bundled_complex
    >>> from openmm import XmlSerializer
    >>> b2 = bundled_complex("cb7-b2")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with open(f"{folder}/b2.pdb", "w") as file:
    ...         app.PDBFile.writeFile(b2.topology, b2.positions_nm * 10, file)
    ...     size = Path(f"{folder}/b2.xml").write_text(XmlSerializer.serialize(b2.system))
    ...     complex = read_complex(f"{folder}/b2.pdb", f"{folder}/b2.xml", "B2")
    >>> complex.name, len(complex.ligand), len(complex.receptor)
    ('b2', 30, 126)
    """
    try:
        given = load_system_input(pdb, str(system), **force_field)
    except ValueError as error:
        if "No template found" not in str(error):
            raise
        raise ValueError(
            f"{error}; a ligand or cofactor needs parameters of its own: add the force field file "
            "that has them to the names, or build the System elsewhere (for instance with "
            "app.AmberPrmtopFile(...).createSystem) and give it as XML"
        ) from None
    return BoundComplex.of(
        given,
        ligand,
        name=Path(pdb).stem if name is None else name,
        temperature_k=temperature_k,
        pocket_nm=pocket_nm,
        frozen=frozen,
    )


def _require_finite(positions_nm: NDArray[np.float64], name: str) -> None:
    good = np.isfinite(positions_nm).all(axis=1)
    if not good.all():
        raise ValueError(
            f"the position of particle {int(np.argmin(good))} of {name} is not finite "
            f"({int((~good).sum())} are not); give the structure of a simulation that is stable"
        )


def _require_options(temperature_k: float, pocket_nm: float | None, frozen: bool) -> None:
    if not 0 < temperature_k < np.inf:
        raise ValueError(f"expected a temperature above 0 K, got {temperature_k}")
    if frozen and pocket_nm is None:
        raise ValueError(
            "frozen=True holds the receptor outside the pocket; pass pocket_nm= to say how far the "
            "pocket reaches, for instance 1.2"
        )


def _receptor(topology: app.Topology, graph: BondGraph, ligand: Integers) -> Integers:
    heavy = set(heavy_atoms(topology, np.arange(topology.getNumAtoms())).tolist())
    own = set(ligand.tolist())
    if not own & heavy:
        raise ValueError("the ligand has no heavy atoms; select another molecule")
    found = [
        atom
        for molecule in graph.molecules
        if sum(atom in heavy for atom in molecule) > 1 and own.isdisjoint(molecule)
        for atom in molecule
    ]
    if not found:
        raise ValueError(
            "there is no receptor: besides the ligand there are only water and ions; give a "
            "structure with both, and select the smaller molecule as ligand"
        )
    return np.sort(np.array(found, dtype=np.intp))
