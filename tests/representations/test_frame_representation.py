"""`FrameRepresentation`: what it generates, where atoms go, descriptions, and what is refused."""

import json

import numpy as np
import pytest
from openmm import app, unit

from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.representations.frame_representation import FrameRepresentation
from openmm_genmd.representations.geometry_check import check
from openmm_genmd.representations.residue_frames import ResidueFrames, backbone_of, frames_of
from openmm_genmd.representations.residue_types import TORSION_NAMES
from openmm_genmd.representations.rotatable_bonds import Torsion
from openmm_genmd.representations.torsions import TorsionRepresentation


@pytest.fixture(scope="module")
def capped():
    """Topology and positions of ACE-ALA-SER-GLY-NME."""
    return build_peptide("ASG")


def test_what_is_generated(peptides):
    def names(name, **options):
        topology = peptides[name].topology
        return FrameRepresentation.from_topology(topology, **options).chi_names

    assert names("capped prolines") == ("psi PRO 4",)
    assert names("capped prolines", include_omega=True) == ("pre-omega PRO 2", "psi PRO 4")
    assert names("one residue") == ("phi ALA 2", "psi ALA 2")
    assert names("glycines") == ("psi GLY 2",)
    assert names("charged zwitterion")[3:5] == ("chi4 LYS 1", "chi1 ARG 2")
    assert names("amide cap")[-1] == "chi3 MET 3"
    everything = names("all residues")
    assert sum(name.startswith("chi") for name in everything) == 37
    assert not any(name.startswith(("phi", "psi")) for name in names("head to tail"))


def test_token_columns_say_where_torsions_are(peptides):
    for peptide in peptides.values():
        if peptide is peptides["disulfide"]:
            continue
        representation = FrameRepresentation.from_topology(peptide.topology, include_omega=True)
        for torsion, (residue, column) in zip(
            representation.torsions, representation.token_columns, strict=True
        ):
            expected = representation.layout.torsion_atoms[residue, column]
            assert torsion.atoms == tuple(expected)
            assert torsion.name.split()[0] == TORSION_NAMES[column]


def test_frames_are_those_of_the_backbone(peptides):
    peptide = peptides["all residues"]
    frames, _ = FrameRepresentation.from_topology(peptide.topology).encode(peptide.positions)
    expected = frames_of(backbone_of(peptide.positions, peptide.layout))
    np.testing.assert_array_equal(frames.rotations, expected.rotations)
    np.testing.assert_array_equal(frames.translations_angstrom, expected.translations_angstrom)


def test_moving_everything_rigidly_moves_everything_rigidly(capped):
    topology, x = capped
    representation = FrameRepresentation.from_topology(topology)
    frames, torsions = representation.encode(x)
    turn = frames_of([[[0.3, 1.4, 0.2], [0.0, 0.1, 0.5], [1.5, 0.3, 0.0]]]).rotations[0]
    motion = ResidueFrames(np.array([turn] * 3), np.array([[3.0, -1.0, 2.0]] * 3))
    y = representation.decode(motion.compose(frames), torsions, x)
    np.testing.assert_allclose(y, x @ turn.T + [0.3, -0.1, 0.2], atol=1e-14)


def test_peptide_groups_stay_as_they_are_in_another_conformation(peptides):
    """Frames and torsions of one MD conformation, all else of another one."""
    peptide = peptides["all residues"]
    representation = FrameRepresentation.from_topology(peptide.topology)
    frames, torsions = representation.encode(peptide.positions[1])
    y = representation.decode(frames, torsions, peptide.positions[0])
    report = check(np.array([y, peptide.positions[0]]), peptide.topology)
    assert np.abs(report.angle_deviation_deg[0]).max() < 20
    assert not report.inverted.any()
    carbon, nitrogen = peptide.layout.backbone[:-1, 2], peptide.layout.backbone[1:, 0]
    lengths = np.linalg.norm(y[carbon] - y[nitrogen], axis=-1)
    assert np.abs(lengths - 0.1335).max() < 0.04


def test_batches_agree_with_single_conformations(peptides):
    for name in ("all residues", "one residue", "head to tail", "glycines"):
        peptide = peptides[name]
        representation = FrameRepresentation.from_topology(peptide.topology)
        x = peptide.positions[0] + 0.01 * np.random.default_rng(0).normal(
            size=(3, *peptide.positions.shape[1:])
        )
        frames, torsions = representation.encode(x)
        many = np.linspace(-1, 1, 6).reshape(2, 3, 1) + torsions
        y = representation.decode(frames[::-1], many, x)
        assert y.shape == (2, *x.shape)
        for a, b in np.ndindex(2, 3):
            single = representation.decode(frames[2 - b], many[a, b], x[b])
            np.testing.assert_allclose(y[a, b], single, atol=1e-13)
        shared = representation.decode(frames, torsions[0], x[0])
        single = representation.decode(frames[1], torsions[0], x[0])
        np.testing.assert_allclose(shared[1], single, atol=1e-13)
        for_all = representation.decode(frames[0], many[0], x[0])
        single = representation.decode(frames[0], many[0, 2], x[0])
        np.testing.assert_allclose(for_all[2], single, atol=1e-13)


def test_a_chain_without_torsions_has_frames_alone(peptides):
    ring = peptides["glycines"].keep(lambda atom: atom.name not in ("OXT", "H2", "H3"))
    atoms = {(a.residue.index, a.name): a for a in ring.topology.atoms()}
    ring.topology.addBond(atoms[1, "C"], atoms[0, "N"])
    representation = FrameRepresentation.from_topology(ring.topology)
    assert representation.chi_names == ()
    x = ring.positions
    np.testing.assert_allclose(representation.decode(*representation.encode(x), x), x, atol=1e-14)
    frames, torsions = representation.encode(x[0])
    np.testing.assert_allclose(representation.decode(frames, torsions, x[0]), x[0], atol=1e-14)


def test_what_is_not_a_number_stays_so(capped):
    topology, x = capped
    representation = FrameRepresentation.from_topology(topology)
    frames, torsions = representation.encode(x)
    lost = x.copy()
    lost[representation.layout.backbone[1, 1]] = np.nan
    broken, _ = representation.encode(lost)
    assert np.isnan(broken.rotations[1]).all()
    np.testing.assert_array_equal(broken.rotations[0], frames.rotations[0])
    for y in (
        representation.decode(frames, torsions, lost),
        representation.decode(broken, torsions, x),
        representation.decode(frames, torsions * np.nan, x),
    ):
        assert np.isnan(y).any()


def test_broken_molecules_are_made_whole(capped):
    topology, x = capped
    representation = FrameRepresentation.from_topology(topology)
    box = np.diag([3.0, 3.0, 3.0])
    broken = x + 3.0 * (np.arange(len(x)) % 3 - 1)[:, None]
    whole = representation.make_whole(broken, box)
    np.testing.assert_allclose(whole - whole[0], x - x[0], atol=1e-13)


def test_dictionary_round_trip_through_json(peptides):
    for name, peptide in peptides.items():
        if name == "disulfide":
            continue
        representation = FrameRepresentation.from_topology(peptide.topology)
        again = FrameRepresentation.from_dict(json.loads(json.dumps(representation.to_dict())))
        assert again == representation
        x = peptide.positions[0]
        np.testing.assert_array_equal(
            again.decode(*again.encode(x), x), representation.decode(*again.encode(x), x)
        )


def test_other_descriptions_are_refused(capped):
    description = TorsionRepresentation.from_topology(capped[0]).to_dict()
    words = "expected the description of a FrameRepresentation, got 'TorsionRepresentation'"
    with pytest.raises(ValueError, match=words):
        FrameRepresentation.from_dict(description)
    # Torsions of the backbone follow from frames.
    with pytest.raises(ValueError, match=r"torsion psi ALA 2 is none of those that frames leave"):
        FrameRepresentation.from_dict(description | {"type": "FrameRepresentation"})
    with pytest.raises(ValueError, match="damaged description of a FrameRepresentation"):
        FrameRepresentation.from_dict({"type": "FrameRepresentation", "particles": [0]})


def test_a_peptide_in_water_elsewhere_in_the_system(capped):
    topology, x = capped
    modeller = app.Modeller(app.Topology(), [] * unit.nanometer)
    modeller.add(water(), np.zeros((3, 3)) * unit.nanometer)
    modeller.add(topology, x * unit.nanometer)
    alone = FrameRepresentation.from_topology(topology)
    solvated = FrameRepresentation.from_topology(modeller.topology)
    assert solvated.particles == tuple(range(3, 3 + len(x)))
    assert alone.relocated(solvated.particles) == solvated
    np.testing.assert_array_equal(
        solvated.decode(*solvated.encode(x), x), alone.decode(*alone.encode(x), x)
    )
    with pytest.raises(ValueError, match=f"expected {len(x)} particles, got 3"):
        alone.relocated([1, 2, 3])


def water():
    topology = app.Topology()
    residue = topology.addResidue("HOH", topology.addChain())
    oxygen, *hydrogens = (
        topology.addAtom(name, app.Element.getBySymbol(name[0]), residue)
        for name in ("O", "H1", "H2")
    )
    for hydrogen in hydrogens:
        topology.addBond(oxygen, hydrogen)
    return topology


def test_molecules_without_or_with_several_peptides(peptides):
    with pytest.raises(ValueError, match="there is no peptide here: no molecule has the bonded"):
        FrameRepresentation.from_topology(water())
    two = peptides["one residue"].twice().topology
    words = r"2 molecules have amino acids \(ACE 1 to NME 3 of chain 1, atoms 0 to 21; .*atoms="
    with pytest.raises(ValueError, match=words):
        FrameRepresentation.from_topology(two)
    second = FrameRepresentation.from_topology(two, atoms=[30])
    assert second.particles == tuple(range(22, 44))
    first = FrameRepresentation.from_topology(two, atoms=[0])
    assert second.fingerprint == first.fingerprint
    four = app.Modeller(two, np.zeros((44, 3)) * unit.nanometer)
    four.add(two, np.zeros((44, 3)) * unit.nanometer)
    with pytest.raises(ValueError, match=r"4 molecules have amino acids .*; …\)"):
        FrameRepresentation.from_topology(four.topology)


def test_bridged_residues_are_refused(peptides):
    words = r"residues CYX 1 and CYX 4 are bridged by a bond SG-SG, .*use TorsionRepresentation"
    with pytest.raises(ValueError, match=words):
        FrameRepresentation.from_topology(peptides["disulfide"].topology)
    stapled = peptides["charged zwitterion"].keep(lambda atom: atom.name not in ("HZ3", "OD2"))
    atoms = {(a.residue.name, a.name): a for a in stapled.topology.atoms()}
    stapled.topology.addBond(atoms["LYS", "NZ"], atoms["ASP", "CG"])
    with pytest.raises(ValueError, match=r"residues LYS 1 and ASP 3 are bridged by a bond NZ-CG"):
        FrameRepresentation.from_topology(stapled.topology)


def test_wrong_arguments(capped):
    topology, x = capped
    representation = FrameRepresentation.from_topology(topology)
    frames, torsions = representation.encode(x)
    with pytest.raises(ValueError, match=r"positions must have shape \(\.\.\., 40, 3\)"):
        representation.encode(x[1:])
    with pytest.raises(ValueError, match=r"torsions must have shape \(\.\.\., 3\), got \(2,\)"):
        representation.decode(frames, torsions[:2], x)
    with pytest.raises(ValueError, match=r"frames must have shape \(\.\.\., 3\), got \(2,\)"):
        representation.decode(frames[:2], torsions, x)
    for wrong in (frames.rotations.astype(np.float32), -frames.rotations):
        with pytest.raises(ValueError, match="must be orthogonal to 1e-9 with determinant 1, got"):
            representation.decode(ResidueFrames(wrong, frames.translations_angstrom), torsions, x)


def test_parts_must_fit(capped):
    representation = FrameRepresentation.from_topology(capped[0])
    with pytest.raises(ValueError, match="the fingerprint has 40 atoms but there are 39"):
        FrameRepresentation(
            representation.particles[1:], representation.torsions, representation.fingerprint
        )
    wrong = Torsion((100, 101, 102, 103), "elsewhere", (102, 103))
    with pytest.raises(ValueError, match=r"torsion elsewhere uses particles \[100, 101"):
        FrameRepresentation(representation.particles, (wrong,), representation.fingerprint)
