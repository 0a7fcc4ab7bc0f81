"""What the metrics are called, in which unit they are, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Better = Literal["lower", "higher", "as the reference"]

EXPLORATORY = "exploratory"
"""Stands beside every free energy of a generated ensemble: no one has weighed its frames."""


@dataclass(frozen=True)
class MetricName:
    """How a metric is presented.

    Attributes
    ----------
    label
        In tables.
    unit
        Empty for a pure number.
    better
        Which way is better.
    group
        Heading under which it stands.

    Examples
    --------
    >>> METRICS["tic0_jsd"].label
    'JSD, TICA-0'
    """

    label: str
    unit: str
    better: Better
    group: str


_DISTRIBUTIONS = "Distributions"
_SHAPE = "Shape and folding"
_FLEXIBILITY = "Flexibility"
_CONTACTS = "Contacts and exposure (Jaccard)"
_VALIDITY = "Validity"
_DYNAMICS = "Dynamics"
_ANGSTROM = "Å"
_KCAL = "kcal/mol"


def _rows(group: str, *rows: tuple[str, str, str, Better]) -> dict[str, MetricName]:
    return {key: MetricName(label, unit, better, group) for key, label, unit, better in rows}


METRICS: dict[str, MetricName] = {
    **_rows(
        _DISTRIBUTIONS,
        ("torsion_jsd", "JSD, torsions", "", "lower"),
        ("torsion_jsd_backbone", "JSD, backbone torsions", "", "lower"),
        ("torsion_jsd_side_chain", "JSD, side-chain torsions", "", "lower"),
        ("tic0_jsd", "JSD, TICA-0", "", "lower"),
        ("tic01_jsd", "JSD, TICA-0,1", "", "lower"),
        ("state_jsd", "JSD, MSM states", "", "lower"),
        ("macrostate_mae", f"macrostate free energy MAE ({EXPLORATORY})", _KCAL, "lower"),
    ),
    **_rows(
        _SHAPE,
        ("radius_kl", "KL, radius of gyration", "", "lower"),
        ("secondary_structure_jsd", "JSD, secondary structure", "", "lower"),
        ("folding_free_energy_error", f"|ΔΔG_fold| ({EXPLORATORY})", _KCAL, "lower"),
        ("folding_free_energy_reference", "ΔG_fold, reference", _KCAL, "as the reference"),
        (
            "folding_free_energy_generated",
            f"ΔG_fold, generated ({EXPLORATORY})",
            _KCAL,
            "as the reference",
        ),
    ),
    **_rows(
        _FLEXIBILITY,
        ("pairwise_rmsd_reference", "pairwise RMSD, reference", _ANGSTROM, "as the reference"),
        ("pairwise_rmsd_generated", "pairwise RMSD, generated", _ANGSTROM, "as the reference"),
        ("rmsf_r_heavy", "RMSF r, heavy atoms", "", "higher"),
        ("rmsf_r_alpha_carbons", "RMSF r, alpha carbons", "", "higher"),
        ("root_mean_w2", "root mean W2", _ANGSTROM, "lower"),
        ("root_mean_w2_translation", "root mean W2, translation", _ANGSTROM, "lower"),
        ("root_mean_w2_spread", "root mean W2, spread", _ANGSTROM, "lower"),
        ("pca_w2", "MD PCA W2", _ANGSTROM, "lower"),
        ("joint_pca_w2", "joint PCA W2", _ANGSTROM, "lower"),
        ("pc1_cosine", "|cos| of first PCs", "", "higher"),
    ),
    **_rows(
        _CONTACTS,
        ("weak_contacts", "weak contacts", "", "higher"),
        ("transient_contacts", "transient contacts", "", "higher"),
        ("exposed_residues", "exposed residues", "", "higher"),
    ),
    **_rows(
        _VALIDITY,
        ("clashing_frames_generated", "frames with clashes, generated", "", "lower"),
        ("clashing_frames_reference", "frames with clashes, reference", "", "as the reference"),
        ("overlapping_pairs_generated", "overlapping pairs, generated", "", "lower"),
        ("overlapping_pairs_reference", "overlapping pairs, reference", "", "as the reference"),
    ),
    **_rows(
        _DYNAMICS,
        ("torsion_time_ratio", "|log10| ratio of torsion decorrelation times", "", "lower"),
        ("tic0_time_reference", "TICA-0 decorrelation, reference", "ps", "as the reference"),
        ("tic0_time_generated", "TICA-0 decorrelation, generated", "ps", "as the reference"),
        ("flux_r", "flux, Spearman r", "", "higher"),
        ("path_valid_rate", "transition paths, valid rate", "", "higher"),
        ("path_probability", "transition paths, mean probability", "", "higher"),
        (
            "path_probability_reference",
            "transition paths, mean probability, reference",
            "",
            "as the reference",
        ),
        ("path_jsd", "JSD, states visited by transition paths", "", "lower"),
        ("rmsd_over_time_error", "t-RMSD error", _ANGSTROM, "lower"),
    ),
}
"""All metrics of `evaluate`, in the order of tables."""
