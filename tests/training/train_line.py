"""Trains the stand-in in this process of torchrun: output file, steps."""

import sys
from pathlib import Path

from openmm_genmd.training.distributed import training_processes
from tests.training.stand_ins import short, trainer

if __name__ == "__main__":
    with training_processes("cpu") as processes:
        trainer(Path(sys.argv[1]), short(steps=int(sys.argv[2])), processes=processes).run()
