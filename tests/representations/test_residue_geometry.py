"""All-atom rebuilding: what it reproduces, what it keeps, and what it makes of noise."""

import itertools

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.representations import residue_geometry
from openmm_genmd.representations.residue_frames import (
    ResidueFrames,
    backbone_of,
    frames_of,
    torsions_of,
)
from openmm_genmd.representations.residue_geometry import AllAtomBuilder, check, rebuild
from openmm_genmd.representations.residue_tokens import decode, encode

CHI = slice(3, 7)


def is_link(bond):
    """Whether a bond is a peptide bond between two amino acids."""
    residues = [atom.residue for atom in bond]
    return residues[0] is not residues[1] and not {r.name for r in residues} & {"ACE", "NME"}


def bonds_within(topology):
    return np.array([[a.index for a in bond] for bond in topology.bonds() if not is_link(bond)])


def lengths(positions, bonds):
    return np.linalg.norm(positions[..., bonds[:, 0], :] - positions[..., bonds[:, 1], :], axis=-1)


def exchanged(peptide):
    """Each conformation's frames and torsions in the other's local geometry."""
    template = peptide.positions[::-1]
    return template, rebuild(
        peptide.frames, peptide.torsions, template, peptide.layout, peptide.topology
    )


def noise(peptide, seed, n=20):
    """What a bad model might generate: random frames close together, random torsions."""
    rng = np.random.default_rng(seed)
    n_residues = len(peptide.layout)
    rotations = Rotation.random(n * n_residues, rng=rng).as_matrix()
    frames = ResidueFrames(
        rotations.reshape(n, n_residues, 3, 3), rng.normal(size=(n, n_residues, 3)) * 5
    )
    return frames, rng.uniform(-np.pi, np.pi, (n, n_residues, 7))


def variants(peptide):
    return {
        "as it is": peptide,
        "without hydrogens": peptide.heavy(),
        "two chains": peptide.twice(),
        "ring": peptide.ring(),
        "unknown residues": peptide.called("XYZ"),
    }


@pytest.mark.parametrize(
    "variant", ["as it is", "without hydrogens", "two chains", "ring", "unknown residues"]
)
def test_a_conformation_is_rebuilt_from_its_own_parts(peptide, variant):
    given = variants(peptide)[variant]
    positions = rebuild(given.frames, given.torsions, given.positions, given.layout, given.topology)
    np.testing.assert_allclose(positions, given.positions, atol=1e-6)


def test_a_conformation_is_rebuilt_from_tokens(peptide):
    current = peptide.frames[:1]
    tokens = encode(current, peptide.frames, peptide.torsions)
    frames, torsions = decode(current, tokens)
    positions = rebuild(frames, torsions, peptide.positions, peptide.layout, peptide.topology)
    np.testing.assert_allclose(positions, peptide.positions, atol=2e-6)


def test_one_template_serves_many(all_residues):
    given = all_residues
    arguments = given.frames, given.torsions
    one = rebuild(*arguments, given.positions[0], given.layout, given.topology)
    many = rebuild(*arguments, given.positions[[0, 0]], given.layout, given.topology)
    np.testing.assert_array_equal(one, many)
    np.testing.assert_allclose(one[0], given.positions[0], atol=1e-6)
    assert np.abs(one[1] - given.positions[1]).max() < 0.3


def test_the_backbone_is_where_the_frames_are(peptide):
    _, positions = exchanged(peptide)
    frames = frames_of(backbone_of(positions, peptide.layout))
    np.testing.assert_allclose(frames.rotations, peptide.frames.rotations, atol=1e-6)
    expected = peptide.frames.translations_angstrom
    np.testing.assert_allclose(frames.translations_angstrom, expected, atol=1e-6)


def test_torsions_become_those_asked_for(peptide):
    _, positions = exchanged(peptide)
    new = torsions_of(positions, peptide.layout)
    difference = np.abs(np.angle(np.exp(1j * (new - peptide.torsions))))
    proline = np.array(peptide.layout.names) == "PRO"
    assert np.nanmax(difference[:, ~proline, CHI], initial=0) < 1e-5
    assert np.nanmax(difference[:, proline, 3]) < 1e-5
    assert np.nanmax(difference[:, proline, 4]) < 0.15  # the ring has to close
    assert difference[:, -1, 2].max() < 1e-5
    if peptide.layout.torsion_mask[0, 0]:
        assert difference[:, 0, :2].max() < 1e-5


def test_torsions_between_residues_follow_from_frames(peptide):
    _, positions = exchanged(peptide)
    new = torsions_of(positions, peptide.layout)
    difference = np.abs(np.angle(np.exp(1j * (new - peptide.torsions))))
    assert np.nanmax(difference[:, :, :3]) < 0.5
    assert np.sqrt(np.nanmean(difference[:, :, :3] ** 2)) < 0.2


def test_bond_lengths_within_residues_are_carried(peptide):
    template, positions = exchanged(peptide)
    bonds = bonds_within(peptide.topology)
    np.testing.assert_allclose(lengths(positions, bonds), lengths(template, bonds), atol=1e-6)


def test_bond_lengths_survive_noise(peptide):
    frames, torsions = noise(peptide, seed=1)
    template = peptide.positions[0]
    positions = rebuild(frames, torsions, template, peptide.layout, peptide.topology)
    bonds = bonds_within(peptide.topology)
    expected = np.broadcast_to(lengths(template, bonds), (20, len(bonds)))
    np.testing.assert_allclose(lengths(positions, bonds), expected, atol=1e-6)


def test_angles_are_carried_away_from_links_and_rings(all_residues):
    template, positions = exchanged(all_residues)
    neighbours = BondGraph.of(all_residues.topology).neighbours
    names = [(atom.residue.name, atom.name) for atom in all_residues.topology.atoms()]
    triples = np.array(
        [
            (a, center, b)
            for center, around in neighbours.items()
            for a, b in itertools.combinations(around, 2)
            if names[center][1] not in ("N", "C") and names[center][0] != "PRO"
        ]
    )
    assert len(triples) > 350

    def angles(x):
        one, other = (x[:, triples[:, end]] - x[:, triples[:, 1]] for end in (0, 2))
        cosines = (one * other).sum(-1)
        return np.arccos(cosines / np.linalg.norm(one, axis=-1) / np.linalg.norm(other, axis=-1))

    np.testing.assert_allclose(angles(positions), angles(template), atol=1e-5)


def test_handedness_of_every_tetrahedral_atom_is_carried(peptide):
    template, positions = exchanged(peptide)
    neighbours = BondGraph.of(peptide.topology).neighbours
    centers = np.array([[c, *sorted(a)[:3]] for c, a in neighbours.items() if len(a) == 4])
    assert len(centers) >= 10

    def volume(x):
        a, b, c = (x[:, centers[:, n]] - x[:, centers[:, 0]] for n in (1, 2, 3))
        return np.einsum("fci,fci->fc", np.cross(a, b), c)

    assert (volume(positions) * volume(template) > 0).all()
    assert not check(positions, peptide.topology).inverted.any()


@pytest.mark.parametrize(("name", "around"), [("O", ("CA", "C", "+N")), ("H", ("-C", "N", "CA"))])
def test_peptide_groups_stay_as_planar_as_they_were(all_residues, name, around):
    template, positions = exchanged(all_residues)
    for residue in range(2, 20):
        if name == "H" and residue == 13:
            continue  # proline
        atoms = [
            all_residues.atom(residue + {"+": 1, "-": -1}.get(n[0], 0), n.strip("+-"))
            for n in (*around, name)
        ]

        def height(x, atoms=atoms):
            one, center, other, moved = np.moveaxis(x[:, atoms], 1, 0)
            normal = np.cross(one - center, other - center)
            normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
            return ((moved - center) * normal).sum(-1)

        np.testing.assert_allclose(height(positions), height(template), atol=1e-6)


def test_a_side_chain_turns_about_its_bond(all_residues):
    """Against a rotation about CA-CB by SciPy."""
    given, step = all_residues, 0.7
    torsions = given.torsions[:1].astype(np.float64)
    lysine = given.layout.sequence.index("K")
    torsions[0, lysine, 3] += step
    start = given.positions[0]
    positions = rebuild(given.frames[:1], torsions, start, given.layout, given.topology)[0]
    residue = list(given.topology.residues())[lysine + 1]
    kept = {"N", "H", "CA", "HA", "C", "O", "CB"}
    moving = [atom.index for atom in residue.atoms() if atom.name not in kept]
    alpha, beta = (start[given.atom(lysine + 1, name)] for name in ("CA", "CB"))
    turn = Rotation.from_rotvec(step * (beta - alpha) / np.linalg.norm(beta - alpha))
    expected = start.copy()
    expected[moving] = turn.apply(start[moving] - beta) + beta
    assert len(moving) == 15
    np.testing.assert_allclose(positions, expected, atol=1e-6)


def test_caps_turn_with_phi_and_psi(all_residues):
    given = all_residues
    torsions = given.torsions[:1].astype(np.float64)
    torsions[0, 0, 1] += 1.0
    torsions[0, -1, 2] += 1.0
    start = given.positions[0]
    positions = rebuild(given.frames[:1], torsions, start, given.layout, given.topology)[0]
    moved = np.linalg.norm(positions - start, axis=-1) > 1e-5
    residues = [atom.residue.name for atom in given.topology.atoms()]
    names = [atom.name for atom in given.topology.atoms()]
    assert {residues[n] for n in np.flatnonzero(moved)} == {"ACE", "ALA", "TYR", "NME"}
    assert {names[n] for n in np.flatnonzero(moved) if residues[n] == "ALA"} == {"H"}
    assert {names[n] for n in np.flatnonzero(moved) if residues[n] == "TYR"} == {"O"}


def test_disulfides_do_not_disturb(all_residues):
    given = all_residues.twice()
    sulfurs = [atom for atom in given.topology.atoms() if atom.element.symbol == "S"]
    given.topology.addBond(sulfurs[0], sulfurs[2])
    positions = rebuild(given.frames, given.torsions, given.positions, given.layout, given.topology)
    np.testing.assert_allclose(positions, given.positions, atol=1e-6)


def test_batches_are_built_in_chunks(all_residues, monkeypatch):
    frames, torsions = noise(all_residues, seed=2, n=7)
    builder = AllAtomBuilder(all_residues.layout, all_residues.topology)
    templates = all_residues.positions[[0, 1, 0, 1, 0, 1, 0]]
    expected = builder.rebuild(frames, torsions, templates)
    monkeypatch.setattr(residue_geometry, "_ATOMS_PER_CHUNK", 3 * 336)
    np.testing.assert_array_equal(builder.rebuild(frames, torsions, templates), expected)


def test_a_layout_of_another_topology_is_refused(all_residues, proline_ends):
    with pytest.raises(ValueError, match=r"the layout \(PGP, 38 atoms\) is not that of .* 336"):
        AllAtomBuilder(proline_ends.layout, all_residues.topology)


def test_a_loose_cap_is_refused(all_residues):
    topology = all_residues.topology
    topology._bonds = [b for b in topology._bonds if {a.residue.name for a in b} != {"ACE", "ALA"}]
    with pytest.raises(ValueError, match=r"cap ACE 1 of chain 1 is not bonded to an amino acid"):
        AllAtomBuilder(all_residues.layout, topology)


def test_wrong_shapes_are_refused(all_residues):
    given = all_residues
    builder = AllAtomBuilder(given.layout, given.topology)
    message = r"expected frames \(n, 20\) and torsions \(n, 20, 7\).*got \(2, 20\) and \(20, 7\)"
    with pytest.raises(ValueError, match=message):
        builder.rebuild(given.frames, given.torsions[0], given.positions)
    with pytest.raises(ValueError, match=r"template must have shape .* n = 2, got \(3, 336, 3\)"):
        builder.rebuild(given.frames, given.torsions, given.positions[[0, 0, 0]])


def test_torsions_that_exist_must_be_known(all_residues):
    torsions = all_residues.torsions
    torsions[0, 3, 1] = np.nan
    with pytest.raises(ValueError, match="torsions that the molecule has must be finite"):
        AllAtomBuilder(all_residues.layout, all_residues.topology).rebuild(
            all_residues.frames, torsions, all_residues.positions
        )


def test_terminal_hydrogens_of_a_proline_follow_its_ring(proline_ends):
    """Both rings flipped: the angles at NH2+ stay tetrahedral."""
    torsions = proline_ends.torsions.copy()
    torsions[:, :, 3:5] *= -1
    positions = rebuild(
        proline_ends.frames,
        torsions,
        proline_ends.positions,
        proline_ends.layout,
        proline_ends.topology,
    )
    report = check(positions, proline_ends.topology)
    assert report.angle_deviation_deg.max() < 12
    np.testing.assert_allclose(
        torsions_of(positions, proline_ends.layout)[:, [0, 2], 3], torsions[:, [0, 2], 3], atol=1e-5
    )
