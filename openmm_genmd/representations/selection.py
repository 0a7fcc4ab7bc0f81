"""Which molecule of a Topology a torsion representation is about: `select_torsions`."""

from __future__ import annotations

from collections.abc import Sequence

from openmm import app

from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.representations.rotatable_bonds import Torsion, find_torsions


def select_torsions(
    topology: app.Topology,
    graph: BondGraph,
    atoms: Sequence[int] | None = None,
    *,
    include_omega: bool = False,
    include_methyl: bool = False,
) -> tuple[tuple[int, ...], tuple[Torsion, ...]]:
    """Atoms of the one molecule to represent, and its torsions.

    Parameters
    ----------
    topology, graph
        The system and its bonds.
    atoms
        Selects the molecule, and of its rotatable bonds those with both atoms in ``atoms``. By
        default the only molecule with rotatable bonds, and all of them.
    include_omega, include_methyl
        See `find_torsions`.

    Raises
    ------
    ValueError
        If there is no rotatable bond, or several molecules have some; if ``atoms`` are no atoms
        of one molecule.
    """
    molecules = molecules_of(graph, topology.getNumAtoms(), atoms)
    flexible = find_torsions(
        topology,
        graph,
        molecules,
        include_omega=include_omega,
        include_methyl=include_methyl,
    )
    if atoms is not None:
        chosen = {molecule: _within(torsions, atoms) for molecule, torsions in flexible.items()}
        flexible = {molecule: torsions for molecule, torsions in chosen.items() if torsions}
    if not flexible:
        raise ValueError(_nothing_found(graph, atoms))
    if len(flexible) > 1:
        raise ValueError(_several_found(topology, list(flexible)))
    return next(iter(flexible.items()))


def molecules_of(
    graph: BondGraph, n_atoms: int, atoms: Sequence[int] | None
) -> tuple[tuple[int, ...], ...]:
    """All molecules, or the one that ``atoms`` belong to.

    Raises
    ------
    ValueError
        If ``atoms`` is empty, names an atom that is not there, or spans several molecules.
    """
    if atoms is None:
        return graph.molecules
    wanted = set(atoms)
    if not wanted:
        raise ValueError("atoms= selects no atom; pass indices of atoms of one molecule")
    if min(wanted) < 0 or max(wanted) >= n_atoms:
        raise ValueError(
            f"atoms= must be between 0 and {n_atoms - 1}, got {min(wanted)} to {max(wanted)}"
        )
    touched = tuple(molecule for molecule in graph.molecules if wanted.intersection(molecule))
    if len(touched) > 1:
        raise ValueError(
            f"atoms= spans {len(touched)} molecules; pass atoms of one molecule, and use one "
            "proposer for each"
        )
    return touched


def describe_molecule(topology: app.Topology, molecule: Sequence[int]) -> str:
    """Residues, chain and atoms of a molecule in a few words."""
    atoms = list(topology.atoms())
    first, last = atoms[molecule[0]].residue, atoms[molecule[-1]].residue
    names = f"{first.name} {first.id}" + (f" to {last.name} {last.id}" if last != first else "")
    return f"{names} of chain {first.chain.id}, atoms {molecule[0]} to {molecule[-1]}"


def _within(torsions: Sequence[Torsion], atoms: Sequence[int]) -> tuple[Torsion, ...]:
    wanted = set(atoms)
    return tuple(torsion for torsion in torsions if wanted.issuperset(torsion.atoms[1:3]))


def _nothing_found(graph: BondGraph, atoms: Sequence[int] | None) -> str:
    where = "in this Topology" if atoms is None else "between the atoms given as atoms="
    if not graph.bonds:
        return f"there are no bonds {where}; pass system= to take them from its forces"
    return (
        f"there is no rotatable bond {where}: ring, amide-like and double bonds do not count, nor "
        "do methyl and other hydrogen rotors; see include_omega= and include_methyl=, and pass "
        "system= if bonds are missing in the Topology"
    )


def _several_found(topology: app.Topology, molecules: list[tuple[int, ...]]) -> str:
    shown = "; ".join(describe_molecule(topology, molecule) for molecule in molecules[:3])
    return (
        f"{len(molecules)} molecules have rotatable bonds ({shown}"
        f"{'; …' if len(molecules) > 3 else ''}); choose one with atoms="
    )
