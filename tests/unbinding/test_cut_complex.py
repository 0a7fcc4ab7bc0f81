"""A complex that is cut out of a larger one moves as it does in there."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import openmm
import pytest
from openmm import app, unit

from openmm_genmd.analysis.secondary_structure import helix_letters, secondary_structure
from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.bundled_systems import bundled_complex
from openmm_genmd.unbinding.contacts import CONTACT_NM, heavy_atoms, minimum_distances_nm
from openmm_genmd.unbinding.cut_complex import cut_complex
from openmm_genmd.unbinding.cut_system import cut_system
from openmm_genmd.unbinding.heavy_hydrogens import with_heavy_hydrogens
from openmm_genmd.unbinding.stored_complex import load_complex, save_complex

BONDED = (openmm.HarmonicBondForce, openmm.HarmonicAngleForce, openmm.PeriodicTorsionForce)


@cache
def whole() -> BoundComplex:
    return bundled_complex("l99a-p-xylene", cutoff_nm=0.9, pocket_nm=0.8)


@cache
def cut() -> BoundComplex:
    return cut_complex(whole(), 1.1)


def places() -> np.ndarray:
    """Index in the whole complex of each atom of the cut one."""
    names = {key(a): a.index for a in whole().topology.atoms()}
    return np.array([names[key(a)] for a in cut().topology.atoms()])


def key(atom: app.topology.Atom) -> tuple[str, str, str]:
    return atom.residue.chain.id, atom.residue.id, atom.name


def masses(system: openmm.System) -> np.ndarray:
    return np.array([system.getParticleMass(n)._value for n in range(system.getNumParticles())])


def forces_and_energy(
    system: openmm.System, x: np.ndarray, kinds: tuple[type, ...] | None = None
) -> tuple[np.ndarray, float]:
    """Forces, kJ/mol/nm, and energy, of some kinds of forces or of all."""
    groups = 0
    parts = openmm.XmlSerializer.clone(system)
    for force in parts.getForces():
        wanted = kinds is None or isinstance(force, kinds)
        force.setForceGroup(0 if wanted else 1)
        groups |= 1
    platform = openmm.Platform.getPlatformByName("CPU")
    context = openmm.Context(parts, openmm.VerletIntegrator(0.001), platform, {"Threads": "1"})
    context.setPositions(x)
    state = context.getState(forces=True, energy=True, groups=groups)
    forces = state.getForces(asNumpy=True).value_in_unit(unit.kilojoule_per_mole / unit.nanometer)
    return np.asarray(forces), state.getPotentialEnergy()._value


def test_atoms_that_move_have_all_their_bonds_angles_and_torsions():
    in_whole = places()
    moves = masses(cut().system) > 0
    assert 800 < moves.sum() < 1100
    expected, _ = forces_and_energy(whole().system, whole().positions_nm, BONDED)
    found, _ = forces_and_energy(cut().system, cut().positions_nm, BONDED)
    difference = np.abs(found - expected[in_whole]).max(axis=1)
    assert difference[moves].max() < 0.5  # of forces up to thousands, in single precision
    assert difference[~moves].max() > 100  # where bonds were cut


def test_what_is_near_the_ligand_feels_what_it_felt():
    """Forces on the ligand and on what touches it, implicit solvent and charges included."""
    in_whole = places()
    expected, _ = forces_and_energy(whole().system, whole().positions_nm)
    found, _ = forces_and_energy(cut().system, cut().positions_nm)
    away = np.linalg.norm(found - expected[in_whole], axis=1)
    size = np.sqrt((expected[in_whole] ** 2).sum(axis=1).mean())
    assert np.sqrt((away[cut().ligand] ** 2).mean()) < 0.01 * size
    moves = masses(cut().system) > 0
    lining = cut().pocket[moves[cut().pocket]]
    assert np.sqrt((away[lining] ** 2).mean()) < 0.1 * size
    assert np.median(away[lining]) < 0.01 * size
    vacuum = (*BONDED, openmm.NonbondedForce)  # a twin without implicit solvent is seen
    wrong, _ = forces_and_energy(cut().system, cut().positions_nm, vacuum)
    off = np.linalg.norm(wrong - expected[in_whole], axis=1)
    assert np.sqrt((off[lining] ** 2).mean()) > 0.1 * size


def test_nothing_near_an_atom_that_moves_was_cut_away():
    gone = np.setdiff1d(np.arange(whole().topology.getNumAtoms()), places())
    kept = np.isin(places(), whole().receptor)
    alphas = (masses(cut().system) == 0) & kept
    moving = np.flatnonzero((masses(cut().system) > 0) & kept)
    x = whole().positions_nm
    heavy = heavy_atoms(cut().topology, moving)
    [nearest] = minimum_distances_nm(x, heavy_atoms(whole().topology, gone), places()[heavy])
    assert nearest > CONTACT_NM
    assert alphas.sum() > 300
    context = openmm.Context(
        cut().system,
        openmm.LangevinMiddleIntegrator(300, 1, 0.002),
        openmm.Platform.getPlatformByName("CPU"),
        {"Threads": "1"},
    )
    context.setPositions(cut().positions_nm)
    context.setVelocitiesToTemperature(300, 1)
    context.getIntegrator().step(5)
    y = context.getState(positions=True).getPositions(asNumpy=True)._value
    still = np.abs(y - cut().positions_nm).max(axis=1) < 1e-6
    np.testing.assert_array_equal(still, masses(cut().system) == 0)


def test_residues_far_away_are_c_alphas_without_charge():
    owners = {r.index: [a.name for a in r.atoms()] for r in cut().topology.residues()}
    bare = [index for index, names in owners.items() if names == ["CA"]]
    assert (len(bare), len(owners)) == (83, 163)
    charged = [f for f in cut().system.getForces() if hasattr(f, "getParticleParameters")]
    assert {type(f) for f in charged} == {openmm.NonbondedForce, openmm.GBSAOBCForce}
    for atom in cut().topology.atoms():
        if atom.residue.index in bare:
            assert atom.index in cut().receptor
            assert atom.index not in cut().pocket
            assert [f.getParticleParameters(atom.index)[0]._value for f in charged] == [0, 0]
    assert len(cut().pocket_heavy) == len(whole().pocket_heavy)
    assert len(cut().ligand) == 18


def test_helices_keep_their_letters(tmp_path):
    codes = secondary_structure(whole().topology, whole().positions_nm, whole().receptor)
    letters = helix_letters(whole().topology, codes)
    expected = {r.id: letters.get(r.index) for r in whole().topology.residues()}
    helices = cut().helices
    assert helices is not None
    assert {r.id: helices.get(r.index) for r in cut().topology.residues()} == expected
    alone = secondary_structure(cut().topology, cut().positions_nm, cut().receptor)
    assert helix_letters(cut().topology, alone) != helices  # which is why they are kept
    save_complex(cut(), tmp_path)
    assert load_complex(tmp_path).helices == helices


def test_a_part_alone_is_what_a_force_field_makes_of_it():
    """Two peptides with a gap between them: the System of one of them."""
    field = app.ForceField("amber99sbildn.xml", "amber99_obc.xml")
    one, x = build_peptide("AEF")
    two, _ = build_peptide("GK")
    both = app.Modeller(one, x * unit.nanometer)
    both.add(two, (build_peptide("GK")[1] + 3.0) * unit.nanometer)
    options = {"constraints": app.HBonds, "nonbondedMethod": app.NoCutoff}
    together = field.createSystem(both.topology, **options)
    alone = field.createSystem(one, **options)
    part = cut_system(together, np.arange(one.getNumAtoms()))
    kinds = [f for f in part.getForces() if not isinstance(f, openmm.CMMotionRemover)]
    assert len(kinds) == 5
    expected = forces_and_energy(alone, x)
    found = forces_and_energy(part, x)
    np.testing.assert_allclose(found[0], expected[0], atol=0.05)
    assert found[1] == pytest.approx(expected[1], abs=0.01)
    assert part.getNumConstraints() == alone.getNumConstraints()
    np.testing.assert_array_equal(masses(part), masses(alone))


def test_what_cannot_be_cut():
    system = openmm.System()
    for _ in range(3):
        system.addParticle(12.0)
    system.addForce(openmm.CustomExternalForce("x"))
    with pytest.raises(ValueError, match="cannot cut a CustomExternalForce; expected forces of"):
        cut_system(system, np.arange(1))
    system.removeForce(0)
    system.setVirtualSite(2, openmm.TwoParticleAverageSite(0, 1, 0.5, 0.5))
    with pytest.raises(ValueError, match="particle 2 is a virtual site, which cannot be cut out"):
        cut_system(system, np.arange(3))
    nonbonded = openmm.NonbondedForce()
    nonbonded.setNonbondedMethod(openmm.NonbondedForce.PME)
    system.addForce(nonbonded)
    with pytest.raises(ValueError, match="with periodic boundaries cannot be cut"):
        cut_system(system, np.arange(2))
    with pytest.raises(ValueError, match="a distance above 0 nm to cut at, got 0"):
        cut_complex(whole(), 0.0)
    with pytest.raises(ValueError, match=r"the pocket reaches farther than the 0\.6 nm to cut at"):
        cut_complex(whole(), 0.6)
    dry = replace(whole(), receptor=whole().receptor[:-1])
    with pytest.raises(ValueError, match="1 particles are neither receptor nor ligand"):
        cut_complex(dry, 1.1)
    host = bundled_complex("cb7-b2")
    assert cut_complex(host, 1.0) is host


def test_hydrogens_take_their_mass_from_their_neighbours():
    heavy = with_heavy_hydrogens(cut(), 3.0)
    before, after = masses(cut().system), masses(heavy.system)
    assert after.sum() == pytest.approx(before.sum(), rel=1e-12)
    np.testing.assert_array_equal(before == 0, after == 0)
    symbols = np.array([a.element.symbol for a in cut().topology.atoms()])
    moved = before > 0
    np.testing.assert_allclose(after[(symbols == "H") & moved], 3.0)
    assert after[(symbols != "H") & moved].min() > 5
    with pytest.raises(ValueError, match=r"a mass of hydrogens of 1 Da at least, got 0\.5"):
        with_heavy_hydrogens(cut(), 0.5)
    with pytest.raises(ValueError, match=r"hydrogens of 6 Da would leave atom .* with -"):
        with_heavy_hydrogens(cut(), 6.0)


def test_water_keeps_its_masses():
    topology = app.Topology()
    residue = topology.addResidue("HOH", topology.addChain())
    oxygen, *hydrogens = (
        topology.addAtom(name, app.Element.getBySymbol(name[0]), residue)
        for name in ("O", "H1", "H2")
    )
    system = openmm.System()
    for mass, atom in zip((16.0, 1.0, 1.0), (oxygen, *hydrogens), strict=True):
        system.addParticle(mass)
        if atom is not oxygen:
            topology.addBond(oxygen, atom)
    none = np.empty(0, np.intp)
    bound = BoundComplex("w", topology, system, np.zeros((3, 3)), none, none, none, 300.0)
    np.testing.assert_array_equal(masses(with_heavy_hydrogens(bound, 3.0).system), [16, 1, 1])


def test_hydrogens_of_an_atom_that_is_held_keep_their_masses():
    topology = app.Topology()
    residue = topology.addResidue("MET", topology.addChain())
    names = ("C", "H1", "H2", "H3", "H4")
    carbon, *hydrogens = (
        topology.addAtom(name, app.Element.getBySymbol(name[0]), residue) for name in names
    )
    system = openmm.System()
    for mass in (0.0, 1.0, 1.0, 1.0, 0.0):
        system.addParticle(mass)
    for hydrogen in hydrogens:
        topology.addBond(carbon, hydrogen)
    none = np.empty(0, np.intp)
    bound = BoundComplex("m", topology, system, np.zeros((5, 3)), none, none, none, 300.0)
    held = with_heavy_hydrogens(bound, 3.0)
    np.testing.assert_array_equal(masses(held.system), [0, 1, 1, 1, 0])
