"""CPU time of BioMD on one thread: an Euler step of the tiny size, a training step of either size.

    python benchmarks/biomd_speed.py --size tiny
    python benchmarks/biomd_speed.py --size paper --batch-size 1 --repeats 1

The complex is cucurbit[7]uril with its guest B2, 96 heavy atoms, of openmmtools' data.
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from openmm import app, unit

from openmm_genmd.models.bio_md import BioMD
from openmm_genmd.models.bio_md_config import BioMDConfig
from openmm_genmd.models.bio_md_losses import LossWeights
from openmm_genmd.models.bio_md_tokens import ComplexTokens
from openmm_genmd.representations.complex_atoms import ComplexAtoms
from openmm_genmd.training.bio_md_batches import ComplexBatches
from openmm_genmd.training.bio_md_training import complex_loss
from openmm_genmd.training.complex_trajectories import ComplexTrajectories


def bound_complex() -> tuple[ComplexAtoms, np.ndarray]:
    """Heavy atoms, and where they are, nm."""
    spec = importlib.util.find_spec("openmmtools")
    if spec is None or spec.origin is None:
        raise SystemExit("this benchmark needs the data of openmmtools: pip install openmmtools")
    stem = Path(spec.origin).parent / "data" / "cb7-b2" / "complex-vacuum"
    topology = app.AmberPrmtopFile(f"{stem}.prmtop").topology
    positions = app.AmberInpcrdFile(f"{stem}.inpcrd").getPositions(asNumpy=True)
    ligand = [atom.index for atom in list(topology.residues())[-1].atoms()]
    atoms = ComplexAtoms.of(topology, ligand)
    return atoms, positions.value_in_unit(unit.nanometer)[atoms.particles]


def seconds(work: Callable[[], object], repeats: int) -> float:
    """CPU time of the shortest of several runs, whatever else the machine does."""
    times = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=("tiny", "paper"), default="tiny")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    config = BioMDConfig.tiny() if options.size == "tiny" else BioMDConfig.paper()
    model, (atoms, positions_nm) = BioMD(config), bound_complex()
    batch, repeats = options.batch_size, options.repeats
    print(f"{options.size}: {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters")

    tokens = ComplexTokens.of([atoms] * batch)
    base = torch.from_numpy(10.0 * positions_nm).float().expand(batch, -1, -1)
    offsets = torch.arange(6).expand(batch, 6)
    numbers, tau = torch.randn(batch, 6, len(atoms), 3), torch.rand(batch, 6)
    with torch.inference_mode():
        encoding = model.encode(tokens, base)
        encode = seconds(lambda: model.encode(tokens, base), repeats)
        step = seconds(lambda: model(numbers, tau, offsets, encoding, "coarse"), repeats)
    print(f"encoding: {1e3 * encode:.0f} ms; Euler step: {1e3 * step:.0f} ms, {batch} trajectories")

    rng = np.random.default_rng(0)
    frames = np.repeat(positions_nm[None], 61, axis=0) + 0.005 * rng.normal(size=(61, 96, 3))
    source = ComplexTrajectories("cb7-b2", atoms, (frames.astype(np.float32),), None, np.ones(1))
    batches = ComplexBatches([source], config, batch_size=batch, seed=0, fine_share=0.0)
    arrays = {n: torch.as_tensor(x) for n, x in batches.draw(0, range(batch)).items()}
    loss = complex_loss(LossWeights())
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)

    def train() -> None:
        optimizer.zero_grad()
        loss(model, arrays).total.backward()
        optimizer.step()

    print(f"training step: {1e3 * seconds(train, repeats):.0f} ms")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"peak memory: {peak:.1f} GB, activations kept: {not config.checkpoint_activations}")


if __name__ == "__main__":
    main()
