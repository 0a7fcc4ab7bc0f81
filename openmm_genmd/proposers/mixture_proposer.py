"""Several proposers with fixed shares: `MixtureProposer`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from openmm_genmd.proposers.embedded import Embedded
from openmm_genmd.proposers.parts import ComposedProposer
from openmm_genmd.proposers.proposer import GRADES, Proposer
from openmm_genmd.proposers.weighted_choice import WeightedChoice
from openmm_genmd.representations.torsions import TorsionRepresentation


class MixtureProposer(ComposedProposer):
    """Chooses one of several proposers by fixed weights; that one makes the leap.

    The log ratio is that of the proposer that leapt, not the ratio of the mixture's density: each
    proposer's own move keeps the Boltzmann distribution, and so does a choice between such moves
    that does not look at the conformation.

    A learned proposer with a share of an untrained one is the recommended setup: where the model
    is good it leaps, and where it forgot something the uniform leaps still go.

    Parameters
    ----------
    proposers
        Proposers of one molecule, or of several. Each belongs to this mixture: another simulation
        that used it at the same time would use up its candidates.
    weights
        How often each leaps, relative to the others; equally by default.

    Attributes
    ----------
    proposers
        As given.
    particles
        Those of the first proposer, then further ones of the second, and so on.
    grade
        The worst of the grades.
    representation
        That of all proposers, or None if they differ.

    Raises
    ------
    ValueError
        If there is no proposer, or one is there twice, or names a particle twice; if a weight is
        negative or not finite, or all are zero, or their number is wrong.
    TypeError
        If something is not a proposer.

    References
    ----------
    Tierney, Ann. Stat. 22, 1701 (1994): mixtures of kernels.

    Examples
    --------
    >>> from openmm_genmd import UniformTorsionProposer, load_proposer
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> learned = load_proposer("alanine-dipeptide", topology)
    >>> uniform = UniformTorsionProposer(learned.representation)
    >>> mixture = MixtureProposer([learned, uniform], weights=[0.85, 0.15])
    >>> mixture.probabilities, mixture.grade
    ((0.85, 0.15), 'exact')
    """

    def __init__(
        self, proposers: Sequence[Proposer], weights: Sequence[float] | None = None
    ) -> None:
        self.proposers = tuple(proposers)
        _check(self.proposers)
        n = len(self.proposers)
        choice = WeightedChoice([1.0] * n if weights is None else weights, n, "proposers")
        particles = tuple(dict.fromkeys(p for part in self.proposers for p in part.particles))
        super().__init__([_embedded(part, particles) for part in self.proposers], choice)
        self.grade = max((part.grade for part in self.proposers), key=GRADES.index)
        self.representation = _common_representation(self.proposers)

    def describe(self) -> dict[str, Any]:
        """Return JSON types for `proposer_from_description`; nothing if a part gives none."""
        descriptions = [part.describe() for part in self.proposers]
        if not all(descriptions):
            return {}
        return {
            "class": type(self).__name__,
            "proposers": descriptions,
            "weights": list(self.probabilities),
        }


def _check(proposers: tuple[Proposer, ...]) -> None:
    if not proposers:
        raise ValueError("a mixture needs at least one proposer, got none")
    for part in proposers:
        if not isinstance(part, Proposer):
            raise TypeError(
                "expected instances of subclasses of openmm_genmd.Proposer, got a "
                f"{type(part).__name__}"
            )
        if len(set(part.particles)) != len(part.particles):
            raise ValueError(
                f"particles of {type(part).__name__} contain an index twice; expected each "
                "particle once"
            )
    if len({id(part) for part in proposers}) != len(proposers):
        raise ValueError(
            "a mixture contains the same proposer twice; keep it once, with a larger weight"
        )


def _embedded(part: Proposer, particles: tuple[int, ...]) -> Proposer:
    return part if tuple(part.particles) == particles else Embedded(part, particles)


def _common_representation(proposers: tuple[Proposer, ...]) -> TorsionRepresentation | None:
    found = [part.representation for part in proposers]
    same = all(isinstance(one, TorsionRepresentation) and one == found[0] for one in found)
    return found[0] if same else None
