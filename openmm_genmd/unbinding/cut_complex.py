"""The surroundings of a ligand cut out of a large receptor: `cut_complex`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app
from scipy.spatial import cKDTree

from openmm_genmd.analysis.secondary_structure import helix_letters, secondary_structure
from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.representations.complex_atoms import pocket_residues
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.contacts import CONTACT_NM, heavy_atoms
from openmm_genmd.unbinding.cut_system import cut_system
from openmm_genmd.unbinding.frozen_surroundings import freeze

Integers = NDArray[np.intp]

_GAP = 2
"""So many residues between two that are kept are kept as well."""


def cut_complex(bound: BoundComplex, cut_nm: float) -> BoundComplex:
    """Complex of the ligand and what is near it, a fraction of the whole one's cost.

    Generalized Born forces on a CPU cost the square of the number of particles, whatever the
    cutoff. Residues with a heavy atom within `cut_nm` of the ligand are kept, and short gaps
    between them. Of the others only the C-alpha atoms stay, without charge and mass: an obstacle
    where the receptor goes on, so that a ligand between them is not out.

    Heavy atoms within 0.45 nm of one that was cut away are held, by masses of zero, and so are
    their hydrogens. All bonds, angles and torsions of the atoms that move are those of the whole
    complex; what they lack is what charges far away and the solvent displaced there do to them.

    Parameters
    ----------
    bound
        The whole complex, of nothing but receptor and ligand. Not changed.
    cut_nm
        How far from the ligand, nm; at least as far as the pocket reaches. Where nothing is
        farther, the result is the complex itself.

    Raises
    ------
    ValueError
        If the distance is not positive, the pocket reaches farther, there is solvent or an ion, or
        for the reasons of `cut_system` and `freeze`.

    Examples
    --------
    >>> from openmm_genmd.unbinding.bundled_systems import bundled_complex
    >>> whole = bundled_complex("l99a-p-xylene", pocket_nm=0.8)
    >>> cut = cut_complex(whole, 1.1)
    >>> whole.topology.getNumAtoms(), cut.topology.getNumAtoms()
    (2621, 1399)
    """
    if not cut_nm > 0:
        raise ValueError(f"expected a distance above 0 nm to cut at, got {cut_nm}")
    _require_no_solvent(bound)
    whole = _kept(bound, cut_nm)
    alphas = _alphas(bound, whole)
    if len(whole) + len(bound.ligand) == bound.topology.getNumAtoms():
        return bound
    missing = np.setdiff1d(bound.pocket, whole)
    if len(missing) and len(bound.pocket) < len(bound.receptor):
        raise ValueError(
            f"the pocket reaches farther than the {cut_nm:g} nm to cut at: atom {missing[0]} is in "
            "it; cut farther out, or choose a smaller pocket_nm"
        )
    particles = np.sort(np.concatenate([whole, alphas, bound.ligand])).astype(np.intp)
    place = np.full(bound.topology.getNumAtoms(), -1, dtype=np.intp)
    place[particles] = np.arange(len(particles))
    system = cut_system(bound.system, particles)
    _discharge(system, place[alphas])
    held = np.union1d(place[_touching(bound, whole)], place[alphas])
    receptor = np.sort(place[np.concatenate([whole, alphas])])
    return replace(
        bound,
        topology=_cut_topology(bound.topology, place),
        system=freeze(system, held),
        positions_nm=bound.positions_nm[particles],
        ligand=place[bound.ligand],
        receptor=receptor,
        pocket=place[np.intersect1d(bound.pocket, whole)],
        helices=_helices(bound, particles),
    )


def _require_no_solvent(bound: BoundComplex) -> None:
    others = bound.topology.getNumAtoms() - len(bound.receptor) - len(bound.ligand)
    if others:
        raise ValueError(
            f"{others} particles are neither receptor nor ligand; only a complex in implicit "
            "solvent, without ions, can be cut"
        )


def _kept(bound: BoundComplex, cut_nm: float) -> Integers:
    """Atoms of the residues that are kept whole."""
    near = pocket_residues(
        bound.topology, bound.positions_nm, bound.ligand, radius_nm=cut_nm
    ).tolist()
    atoms = list(bound.topology.atoms())
    found = {atoms[atom].residue.index for atom in near}
    receptor = set(bound.receptor.tolist())
    for chain in bound.topology.chains():
        numbers = [r.index for r in chain.residues()]
        kept = [n for n in numbers if n in found]
        for one, other in pairwise(kept):
            if other - one <= _GAP + 1:
                found.update(range(one, other))
    return np.array(
        [a.index for a in atoms if a.residue.index in found and a.index in receptor], np.intp
    )


def _alphas(bound: BoundComplex, whole: Integers) -> Integers:
    kept, receptor = set(whole.tolist()), set(bound.receptor.tolist())
    return np.array(
        [
            a.index
            for a in bound.topology.atoms()
            if a.name == "CA" and a.index in receptor and a.index not in kept
        ],
        np.intp,
    )


def _touching(bound: BoundComplex, whole: Integers) -> Integers:
    """Heavy atoms next to what was cut away, and their hydrogens."""
    x = bound.positions_nm
    gone = heavy_atoms(bound.topology, np.setdiff1d(bound.receptor, whole))
    heavy = heavy_atoms(bound.topology, whole)
    nearest_nm, _ = cKDTree(x[gone]).query(x[heavy])
    held = heavy[nearest_nm < CONTACT_NM]
    around = BondGraph.of(bound.topology, bound.system).neighbours
    is_heavy = set(heavy.tolist())
    kept = set(whole.tolist())
    own = [
        other
        for atom in held.tolist()
        for other in around.get(atom, [])
        if other in kept and other not in is_heavy
    ]
    return np.concatenate([held, np.array(own, np.intp)])


def _discharge(system: openmm.System, particles: Integers) -> None:
    for force in system.getForces():
        for n in particles.tolist():
            if isinstance(force, openmm.NonbondedForce | openmm.GBSAOBCForce):
                _, *rest = force.getParticleParameters(n)
                force.setParticleParameters(n, 0.0, *rest)


def _cut_topology(topology: app.Topology, place: Integers) -> app.Topology:
    """Atoms whose place is not negative, with the bonds between them."""
    cut, made = app.Topology(), {}
    for chain in topology.chains():
        own = [(r, _members(r, place)) for r in chain.residues()]
        if not any(members for _, members in own):
            continue
        new_chain = cut.addChain(chain.id)
        for residue, members in own:
            if members:
                new = cut.addResidue(residue.name, new_chain, residue.id, residue.insertionCode)
                for atom in members:
                    made[atom.index] = cut.addAtom(atom.name, atom.element, new, atom.id)
    for bond in topology.bonds():
        a, b = bond[0].index, bond[1].index
        if a in made and b in made:
            cut.addBond(made[a], made[b], bond.type, bond.order)
    return cut


def _members(residue: app.topology.Residue, place: Integers) -> Sequence[app.topology.Atom]:
    return [atom for atom in residue.atoms() if place[atom.index] >= 0]


def _helices(bound: BoundComplex, particles: Integers) -> dict[int, str]:
    """Letters of helices, as in the whole receptor, by residue of the cut one."""
    codes = secondary_structure(bound.topology, bound.positions_nm, bound.receptor)
    letters = bound.helices or helix_letters(bound.topology, codes)
    atoms = list(bound.topology.atoms())
    numbers = dict.fromkeys(atoms[n].residue.index for n in particles.tolist())
    return {new: letters[old] for new, old in enumerate(numbers) if old in letters}
