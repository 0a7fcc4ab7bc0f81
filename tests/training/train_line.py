"""Trains the stand-in in a process of torchrun: output file, steps. Prints what it leaves."""

import os
import sys
from pathlib import Path

from openmm_genmd.training.distributed import training_processes
from tests.training.stand_ins import short, trainer

if __name__ == "__main__":
    with training_processes("cpu") as processes:
        trainer(Path(sys.argv[1]), short(steps=int(sys.argv[2])), processes=processes).run()
    # Threads of the process group that outlive it can abort the process at its end.
    threads = [Path(f"/proc/self/task/{thread}/comm") for thread in os.listdir("/proc/self/task")]
    left = sum("gloo" in path.read_text() for path in threads)
    # In one piece: two processes share the stream.
    sys.stdout.write(f"threads: {left}\n")
