"""What the comparison on peptides is measured against: TIC-0 and populations of a reference.

    python benchmarks/peptide_hybrid_reference.py --sequence AAAA --keep

Conformations come from `tetrapeptide_reference.py`: replica exchange with uniform leaps from two
starts. TIC-0 comes from many short runs of plain MD that set out from them, so that the runs are
reversible at equilibrium and TICA needs no weights. Only numbers are kept: `--keep` puts them
into the repository, where `peptide_hybrid.py` looks first.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import mdtraj
import numpy as np
import openmm
import typer
from alanine_dipeptide_system import PLATFORM, TEMPERATURE_K, TIME_STEP_PS, make_thermostat
from numpy.typing import NDArray
from peptide_hybrid_agreement import Estimate, estimate
from peptide_hybrid_ess import Target, target_of
from peptide_hybrid_observables import PeptideObservables, SlowDirection
from rich.console import Console
from tetrapeptide_reference import DISCARDED, make_reference, sample

from openmm_genmd.analysis.statistics import statistical_inefficiency
from openmm_genmd.cli.progress import counting_progress
from openmm_genmd.md.peptide_input import peptide_input
from openmm_genmd.md.system_input import SystemInput
from openmm_genmd.msm.kinetic_features import TorsionFeatures, fit_tica

Array = NDArray[np.float64]

ITERATIONS = 1500
PIECES = 150
PIECE_PS = 6.0
SETTLE_PS = 0.5
FRAME_PS = 0.1
LAG_PS = 2.0
STORED = Path(__file__).parent / "reference" / "peptide_hybrid.json"
FOLDER = Path("out") / "peptide_references"


@dataclass(frozen=True)
class Reference:
    """The numbers of one peptide.

    Attributes
    ----------
    slow
        TIC-0.
    target
        Its mean, variance and two states.
    timescale_ps
        Implied timescale of TIC-0.
    variables
        Numbers of the two backbone torsions that determine TIC-0 best.
    explained
        Share of the variance of TIC-0 that each torsion's sine and cosine explain, by name.
    estimates
        Mean, standard error and standard deviation of each observable.
    frames
        Conformations from each start.
    """

    slow: SlowDirection
    target: Target
    timescale_ps: float
    variables: tuple[int, int]
    explained: dict[str, float]
    estimates: dict[str, Estimate]
    frames: tuple[int, ...]

    @property
    def effective_samples(self) -> float:
        """Independent conformations that would know the mean of TIC-0 as well."""
        return self.target.variance / self.target.mean_error**2

    def to_json(self) -> dict[str, Any]:
        """Return JSON types; `of_json` reads them."""
        found = asdict(self)
        found["slow"] = {key: array.round(7).tolist() for key, array in found["slow"].items()}
        return found

    @classmethod
    def of_json(cls, stored: dict[str, Any]) -> Reference:
        """Read what `to_json` made."""
        return cls(
            slow=SlowDirection(**{key: np.array(v) for key, v in stored["slow"].items()}),
            target=Target(**stored["target"]),
            variables=tuple(stored["variables"]),
            frames=tuple(stored["frames"]),
            estimates={name: Estimate(**e) for name, e in stored["estimates"].items()},
            **{key: stored[key] for key in ("timescale_ps", "explained")},
        )


def load_or_make(sequence: str, given: SystemInput, console: Console) -> Reference:
    """The stored reference of a sequence; if there is none, it is made, which takes a while."""
    kept = json.loads(STORED.read_text()) if STORED.exists() else {}
    if sequence in kept:
        return Reference.of_json(kept[sequence])
    cached = FOLDER / sequence / "peptide_hybrid.json"
    if not cached.exists():
        console.print(
            f"No reference of {sequence} is stored: making it, for 5 to 20 minutes, which are not "
            f"part of --minutes. It is kept in {FOLDER / sequence}."
        )
        found = make(sequence, given, FOLDER, console)
        cached.write_text(json.dumps(found.to_json(), indent=1) + "\n")
    return Reference.of_json(json.loads(cached.read_text()))


def make(
    sequence: str, given: SystemInput, folder: Path, console: Console, runs: int = 2
) -> Reference:
    """Sample conformations unless they are there, run the short pieces, and measure."""
    own = folder / sequence
    with counting_progress(console) as progress:
        if not (own / "reference.json").exists():
            task = progress.add_task("replica exchange", total=2 * ITERATIONS)
            make_reference(sequence, own, ITERATIONS, lambda: progress.advance(task))
        for which in range(2, runs):
            if not (own / f"start-{which}.xtc").exists():
                task = progress.add_task(f"replica exchange, start {which}", total=ITERATIONS)
                add_run(given, own, which, lambda task=task: progress.advance(task))
        frames = [_frames(file) for file in sorted(own.glob("start-*.xtc"))]
        kept = own / "pieces.npz"
        if not kept.exists():
            task = progress.add_task("short runs of MD", total=PIECES)
            pieces = run_pieces(given, np.concatenate(frames), lambda: progress.advance(task))
            np.savez_compressed(kept, positions_nm=pieces.astype(np.float32))
    return measure(given, frames, list(np.load(kept)["positions_nm"].astype(np.float64)))


def add_run(given: SystemInput, folder: Path, which: int, report: Callable[[], object]) -> None:
    """One more run of replica exchange, from another conformation with random torsions."""
    frames = sample(given, which, ITERATIONS, lambda n: report())
    kept = frames[int(DISCARDED * len(frames)) :]
    topology = mdtraj.Topology.from_openmm(given.topology)
    mdtraj.Trajectory(kept, topology).save_xtc(str(folder / f"start-{which}.xtc"))


def run_pieces(given: SystemInput, starts_nm: Array, report: Callable[[], object]) -> Array:
    """Frames ``(n_pieces, n, n_atoms, 3)``, nm, of runs from some of many conformations."""
    chosen = np.random.default_rng(1).choice(len(starts_nm), PIECES)
    pieces = []
    for n, start in enumerate(chosen):
        pieces.append(run_piece(given, starts_nm[start], seed=n + 1))
        report()
    return np.array(pieces)


def run_piece(given: SystemInput, start_nm: Array, seed: int) -> Array:
    """Frames ``(n, n_atoms, 3)``, nm, of plain MD from a conformation."""
    integrator = make_thermostat(seed)
    platform = openmm.Platform.getPlatformByName(PLATFORM)
    context = openmm.Context(given.system, integrator, platform)
    context.setPositions(start_nm)
    context.applyConstraints(1e-6)
    context.setVelocitiesToTemperature(TEMPERATURE_K, seed)
    integrator.step(round(SETTLE_PS / TIME_STEP_PS))
    frames = []
    for _ in range(round(PIECE_PS / FRAME_PS)):
        integrator.step(round(FRAME_PS / TIME_STEP_PS))
        frames.append(context.getState(positions=True).getPositions(asNumpy=True)._value)
    return np.array(frames)


def measure(given: SystemInput, runs: list[Array], pieces: list[Array]) -> Reference:
    """Everything that is kept, from conformations of both starts and from short runs."""
    observables = PeptideObservables(given)
    slow, timescale_ps = slow_direction(observables, pieces)
    tic = [slow.of(observables.folded_rad(run)) for run in runs]
    pooled = np.concatenate(tic)
    worth = [len(each) / statistical_inefficiency(each) for each in tic]
    mean = estimate(tic, [None] * len(tic), worth)
    target = target_of(pooled, mean.value, mean.error)
    explained = variance_explained(observables, np.concatenate(runs), pooled)
    values = [observables.measure(run) for run in runs]
    for each, projected in zip(values, tic, strict=True):
        each["TIC-0 state"] = (projected > target.middle).astype(float)
    return Reference(
        slow=slow,
        target=target,
        timescale_ps=timescale_ps,
        variables=_two_backbone_torsions(observables.torsions, explained),
        explained=dict(zip(observables.torsions, map(float, explained), strict=True)),
        estimates={
            name: estimate([v[name] for v in values], [None] * len(runs), worth)
            for name in values[0]
        },
        frames=tuple(len(run) for run in runs),
    )


def slow_direction(
    observables: PeptideObservables, pieces: list[Array]
) -> tuple[SlowDirection, float]:
    """TIC-0 of short runs that start at equilibrium, its timescale in ps."""
    angles = [observables.folded_rad(piece) for piece in pieces]
    features = TorsionFeatures(np.concatenate(angles), [len(piece) for piece in angles])
    found = fit_tica(features, round(LAG_PS / FRAME_PS))
    slow = SlowDirection(found.mean, found.matrix[:, 0] / np.linalg.norm(found.matrix[:, 0]))
    return slow, float(found.timescales_frames[0] * FRAME_PS)


def variance_explained(observables: PeptideObservables, frames_nm: Array, tic: Array) -> Array:
    """Share of the variance of TIC-0, ``(n_torsions,)``, that each torsion explains linearly."""
    shares = []
    for angle in observables.folded_rad(frames_nm).T:
        known = np.stack([np.ones_like(angle), np.sin(angle), np.cos(angle)], axis=1)
        left = tic - known @ np.linalg.lstsq(known, tic, rcond=None)[0]
        shares.append(1 - left.var() / tic.var())
    return np.array(shares)


def _two_backbone_torsions(names: tuple[str, ...], explained: Array) -> tuple[int, int]:
    backbone = [n for n, name in enumerate(names) if name.startswith(("phi", "psi"))]
    if len(backbone) < 2:
        raise ValueError(
            f"metadynamics needs two backbone torsions, the peptide has {len(backbone)}; give a "
            "longer sequence"
        )
    best = sorted(backbone, key=lambda n: -explained[n])[:2]
    return best[0], best[1]


def _frames(file: Path) -> Array:
    loaded = mdtraj.load(str(file), top=str(file.with_name("topology.pdb")))
    return np.asarray(loaded.xyz, dtype=np.float64)


def main(
    sequence: Annotated[list[str], typer.Option(help="one-letter codes; once for each")],
    folder: Annotated[Path, typer.Option(help="where conformations are or will be")] = FOLDER,
    runs: Annotated[int, typer.Option(help="of replica exchange, from as many starts")] = 2,
    keep: Annotated[bool, typer.Option("--keep", help="store in the repository")] = False,
) -> None:
    """Make references anew from conformations, which are made only if they are not there."""
    for each in sequence:
        found = make(each, peptide_input(each), folder, Console(), runs)
        (folder / each / "peptide_hybrid.json").write_text(json.dumps(found.to_json(), indent=1))
        print(
            f"{each}: TIC-0 of {found.timescale_ps:.0f} ps, {found.effective_samples:.0f} "
            f"effective samples in {sum(found.frames)} frames, {found.explained}"
        )
        if keep:
            kept = json.loads(STORED.read_text()) if STORED.exists() else {}
            kept[each] = found.to_json()
            STORED.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
