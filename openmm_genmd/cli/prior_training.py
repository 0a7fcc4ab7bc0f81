"""What ``genmd train --continue-from`` begins with: the candidates of a run and its model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openmm_genmd.proposers.load import find_checkpoint
from openmm_genmd.representations.torsions import TorsionRepresentation

if TYPE_CHECKING:
    from openmm_genmd.models.checkpoint import Checkpoint
    from openmm_genmd.training.run_candidates import RunCandidates


@dataclass(frozen=True)
class PriorTraining:
    """A run that recorded its candidates, and the checkpoint to begin with.

    Attributes
    ----------
    candidates
        What the run tried.
    parent
        Its model; None if it leapt without one.
    parent_path
        Where that is.

    Examples
    --------
    >>> prior = PriorTraining(candidates=None, parent=None, parent_path=None)
    >>> prior.parent is None
    True
    """

    candidates: RunCandidates
    parent: Checkpoint[Any, Any] | None
    parent_path: Path | None

    @property
    def parent_config(self) -> Any:
        """Architecture of the run's model; None without one."""
        return None if self.parent is None else self.parent.config

    @property
    def notes(self) -> dict[str, Any]:
        """What the new checkpoint says about its origin."""
        return {
            "continued_from": str(self.candidates.folder.resolve()),
            "parent_sha256": None if self.parent is None else self.parent.sha256,
        }

    def temperature_k(self, given: float | None) -> float:
        """Temperature of the run, K, which must be the one that was given, if any.

        Raises
        ------
        ValueError
            If it is another one.
        """
        own = self.candidates.temperature_k
        if given is not None and given != own:
            raise ValueError(
                f"the run in {self.candidates.folder} was made at {own:g} K, but --temperature-k "
                f"is {given:g}; leave it out, or train on data of one temperature"
            )
        return own


def prior_training(options: dict[str, Any], model: Any, *needed: str) -> PriorTraining | None:
    """What a training begins with by its options: a run, or nothing.

    Parameters
    ----------
    options
        Of the command, ``continue_from`` and ``out`` among them.
    model
        Class of the model that is trained.
    needed
        Options without which there are no data but those of a run.

    Raises
    ------
    FileNotFoundError, ValueError
        As `find_prior_training`, or if something is needed.
    """
    if options["continue_from"] is not None:
        return find_prior_training(options["continue_from"], options["out"], model)
    missing = [f"--{name}" for name in needed if not options[name]]
    if missing:
        verb = "are" if len(missing) > 1 else "is"
        raise ValueError(
            f"{' and '.join(missing)} {verb} required, or --continue-from with a run that recorded "
            "its candidates"
        )
    return None


def find_prior_training(run_folder: Path, out: Path, model: Any) -> PriorTraining:
    """Candidates of a run, and the checkpoint of its proposer, if it has one.

    Parameters
    ----------
    run_folder
        Folder of the run.
    out
        The checkpoint that will be written.
    model
        Class of the model that is trained.

    Raises
    ------
    FileNotFoundError
        If the run recorded nothing, or its checkpoint is gone.
    ValueError
        If the run leapt with several models or one of another kind; if its checkpoint has changed
        since, would be overwritten, or is for another molecule.
    """
    from openmm_genmd.models.checkpoint import load_checkpoint
    from openmm_genmd.training.run_candidates import read_run_candidates

    candidates = read_run_candidates(run_folder)
    if len(candidates.models) > 1:
        names = ", ".join(file.checkpoint for file in candidates.models)
        raise ValueError(
            f"the run in {run_folder} leapt with several models ({names}); --continue-from needs "
            "one with one model, beside uniform leaps"
        )
    if not candidates.models:
        return PriorTraining(candidates, None, None)
    used = find_checkpoint(candidates.models[0].checkpoint)
    if out.exists() and out.resolve() == used.resolve():
        raise ValueError(
            f"{out} is the model of the run in {run_folder}, which could not be resumed without "
            "it; choose a new file with --out"
        )
    parent = load_checkpoint(used, model)
    if parent.sha256 != candidates.models[0].sha256:
        raise ValueError(
            f"{used} has changed since the run in {run_folder} began; restore the file, or run "
            "again with the new one"
        )
    return _checked(PriorTraining(candidates, parent, used), used)


def _checked(prior: PriorTraining, path: Path) -> PriorTraining:
    described = {} if prior.parent is None else prior.parent.representation
    if described.get("type") == TorsionRepresentation.__name__:
        stored = TorsionRepresentation.from_dict(described)
        prior.candidates.require_same_torsions(stored, f"checkpoint {path.name}")
    return prior
