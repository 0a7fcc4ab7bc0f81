"""Loading proposers: which molecule, which file, which constraints."""

import json
import shutil
from importlib.resources import files

import mdtraj
import numpy as np
import openmm
import pytest
from openmm import app

from openmm_genmd.data.fingerprint import TopologyFingerprint
from openmm_genmd.models.checkpoint import save_checkpoint
from openmm_genmd.models.torus_flow import TorusFlow, TorusFlowConfig
from openmm_genmd.proposers import load
from openmm_genmd.proposers.descriptions import proposer_from_description
from openmm_genmd.proposers.load import load_proposer

PDB = files("openmm_genmd") / "data/structures/alanine-dipeptide.pdb"
FORCE_FIELD = app.ForceField("amber99sbildn.xml", "tip3p.xml")


@pytest.fixture(scope="module")
def checkpoint(dipeptide, tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoints") / "ala.safetensors"
    _save(path, dipeptide.representation)
    return path


def _save(path, representation, seed=1, fingerprint=None):
    model = TorusFlow(TorusFlowConfig(n_torsions=len(representation.torsions)), seed=seed)
    fingerprint = fingerprint or representation.fingerprint
    save_checkpoint(path, model, fingerprint, representation.to_dict(), {})


def _with_water_before(dipeptide, copies=1):
    water = app.Topology()
    residue = water.addResidue("HOH", water.addChain())
    oxygen, *hydrogens = (
        water.addAtom(name, app.Element.getBySymbol(name[0]), residue) for name in ("O", "H1", "H2")
    )
    for hydrogen in hydrogens:
        water.addBond(oxygen, hydrogen)
    modeller = app.Modeller(water, np.zeros((3, 3)) * openmm.unit.nanometer)
    for _ in range(copies):
        modeller.add(dipeptide.topology, dipeptide.positions_nm * openmm.unit.nanometer)
    return modeller.topology


def test_proposes_with_the_density_of_its_model(dipeptide, checkpoint):
    proposer = load_proposer(str(checkpoint), dipeptide.topology)
    x = dipeptide.positions_nm
    proposal = proposer.propose(x, None, np.random.default_rng(1))
    encode = proposer.representation.encode
    log_q = proposer._model.log_prob_numpy(np.array([encode(x), encode(proposal.positions)]))
    assert proposal.log_ratio == pytest.approx(log_q[0] - log_q[1], abs=1e-9)
    assert proposer.checkpoint_path == str(checkpoint)


@pytest.mark.parametrize("system", [False, True])
def test_finds_its_molecule_among_others(dipeptide, checkpoint, system):
    topology = _with_water_before(dipeptide)
    made = FORCE_FIELD.createSystem(topology, constraints=app.HBonds) if system else None
    proposer = load_proposer(checkpoint, topology, made)
    assert proposer.particles == tuple(range(3, 25))
    assert [t.atoms for t in proposer.representation.torsions] == [(7, 9, 11, 17), (9, 11, 17, 19)]


def test_accepts_mdtraj_topologies(dipeptide, checkpoint):
    topology = mdtraj.Topology.from_openmm(dipeptide.topology)
    assert load_proposer(checkpoint, topology).particles == tuple(range(22))


def _things(dipeptide):
    """What users hold in their hands besides a Topology."""
    topology, positions = dipeptide.topology, dipeptide.positions_nm * openmm.unit.nanometer
    system = FORCE_FIELD.createSystem(topology)
    return {
        "Topology": topology,
        "PDBFile": app.PDBFile(
            str(files("openmm_genmd") / "data/structures/alanine-dipeptide.pdb")
        ),
        "Modeller": app.Modeller(topology, positions),
        "Simulation": app.Simulation(topology, system, openmm.VerletIntegrator(0.001)),
        "System": system,
        "name": "alanine-dipeptide",
        "None": None,
    }


ORDER = r"the order is load_proposer\(name_or_path, topology, system\)"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("name", "None"), rf"MDTraj Topology, got None; {ORDER}"),
        (("name", "PDBFile"), r"^topology must be an OpenMM .*, got a PDBFile; pass \.topology$"),
        (("name", "Modeller"), r"got a Modeller; pass \.topology$"),
        (("name", "Simulation"), r"got a Simulation; pass \.topology$"),
        (("name", "System", "Topology"), f"MDTraj Topology, got a System; {ORDER}"),
        (("name", "name"), f"MDTraj Topology, got 'alanine-dipeptide'; {ORDER}"),
        (("Topology", "name"), f"^name_or_path must be .* or a path, got a Topology; {ORDER}"),
        (("None", "Topology"), "name_or_path must be .*, got None"),
        (
            ("name", "Topology", "Simulation"),
            r"^system must .*, got a Simulation; pass \.system$",
        ),
        (("name", "Topology", "Topology"), f"system must be .* left out, got a Topology; {ORDER}"),
    ],
)
def test_arguments_of_another_kind(dipeptide, arguments, words):
    things = _things(dipeptide)
    with pytest.raises(TypeError, match=words):
        load_proposer(*(things[name] for name in arguments))


def test_several_matching_molecules(dipeptide, checkpoint):
    topology = _with_water_before(dipeptide, copies=2)
    words = r"2 molecules match checkpoint ala.safetensors \(ACE 1 to NME 3 of .*; choose .*atoms="
    with pytest.raises(ValueError, match=words):
        load_proposer(checkpoint, topology)
    with pytest.raises(ValueError, match=r"4 molecules match .*; …\)"):
        load_proposer(checkpoint, _with_water_before(dipeptide, copies=4))
    assert load_proposer(checkpoint, topology, atoms=[30]).particles == tuple(range(25, 47))


def test_no_matching_molecule_names_the_nearest_difference(dipeptide, checkpoint):
    topology = _with_water_before(dipeptide)
    next(atom for atom in topology.atoms() if atom.name == "CB").name = "CX"
    words = (
        r"no molecule of the Topology matches checkpoint ala.safetensors \(fingerprint \w{16}\); "
        r"the nearest is ACE 1 to NME 3 of chain \w, atoms 3 to 24: "
        r"atom 10: expected CB \(C\) of ALA 1, got CX \(C\) of ALA 1$"
    )
    with pytest.raises(ValueError, match=words):
        load_proposer(checkpoint, topology)
    water = app.Topology()
    residue = water.addResidue("HOH", water.addChain())
    hydrogen, oxygen = (
        water.addAtom(e.symbol, e, residue) for e in (app.element.hydrogen, app.element.oxygen)
    )
    water.addBond(hydrogen, oxygen)
    with pytest.raises(
        ValueError, match=r"the nearest is HOH 1 .*: expected 22 atoms, got 2; atom"
    ):
        load_proposer(checkpoint, water)


def test_topology_without_bonds(dipeptide, checkpoint):
    bare = app.Topology()
    chain = bare.addChain()
    for residue in dipeptide.topology.residues():
        copy = bare.addResidue(residue.name, chain)
        for atom in residue.atoms():
            bare.addAtom(atom.name, atom.element, copy)
    with pytest.raises(ValueError, match=r"matches .*: the Topology has no bonds; pass system="):
        load_proposer(checkpoint, bare)
    system = FORCE_FIELD.createSystem(dipeptide.topology, constraints=app.HBonds)
    assert load_proposer(checkpoint, bare, system).particles == tuple(range(22))


def test_system_is_checked(dipeptide, checkpoint):
    system = FORCE_FIELD.createSystem(dipeptide.topology, constraints=app.HBonds)
    system.addConstraint(0, 21, 1.0)
    with pytest.raises(ValueError, match="phi ALA 2 would change the constraint between particles"):
        load_proposer(checkpoint, dipeptide.topology, system)
    with pytest.raises(ValueError, match="Topology has 22 atoms but the System 0 particles"):
        load_proposer(checkpoint, dipeptide.topology, openmm.System())


def test_bundled_names(dipeptide, checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(load, "BUNDLED", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no checkpoint file x, and .* \(bundled: none\)"):
        load_proposer("x", dipeptide.topology)
    shutil.copy(checkpoint, tmp_path / "alanine.safetensors")
    shutil.copy(checkpoint, tmp_path / "other.safetensors")
    with pytest.raises(FileNotFoundError, match=r"\(bundled: alanine, other\); `genmd train`"):
        load_proposer("x", dipeptide.topology)
    proposer = load_proposer("alanine", dipeptide.topology)
    # Stored by name, so that the run can continue where the package lies elsewhere.
    assert proposer.describe()["checkpoint"] == "alanine"
    assert proposer_from_description(proposer.describe()).checkpoint_path == "alanine"


def test_checkpoint_that_contradicts_itself(dipeptide, tmp_path):
    path = tmp_path / "odd.safetensors"
    other = TopologyFingerprint.of(dipeptide.topology, range(1, 23 - 1))
    _save(path, dipeptide.representation, fingerprint=other)
    words = r"checkpoint odd.safetensors contradicts itself: .* expected 21 atoms, got 22"
    with pytest.raises(ValueError, match=words):
        load_proposer(path, dipeptide.topology)


def test_description_gives_the_same_proposer(dipeptide, checkpoint):
    proposer = load_proposer(checkpoint, _with_water_before(dipeptide))
    description = json.loads(json.dumps(proposer.describe()))
    again = proposer_from_description(description)
    assert again.representation == proposer.representation
    x = dipeptide.positions_nm
    one, other = (p.propose(x, None, np.random.default_rng(2)) for p in (proposer, again))
    assert np.array_equal(one.positions, other.positions)
    assert one.log_ratio == other.log_ratio
    assert again.describe() == proposer.describe()


def test_descriptions_that_cannot_be_followed(dipeptide, checkpoint, tmp_path):
    path = tmp_path / "ala.safetensors"
    shutil.copy(checkpoint, path)
    description = load_proposer(path, dipeptide.topology).describe()
    with pytest.raises(ValueError, match="proposer of class 'Mine' from its description; make it"):
        proposer_from_description(description | {"class": "Mine"})
    with pytest.raises(ValueError, match="description of the proposer lacks checkpoint, sha256"):
        proposer_from_description(
            {k: v for k, v in description.items() if k not in ("checkpoint", "sha256")}
        )
    _save(path, dipeptide.representation, seed=2)
    with pytest.raises(ValueError, match=r"ala.safetensors has changed since the proposer was st"):
        proposer_from_description(description)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"no checkpoint file .*ala.safetensors"):
        proposer_from_description(description)
