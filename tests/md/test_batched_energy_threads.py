"""Energies of large batches where threads cannot be had."""

import subprocess
import sys

import pytest

WITHOUT_THREADS = """
import resource
import numpy as np
from openmm import app
from openmm_genmd import BatchedEnergy
from openmm_genmd.data.structures import load_structure
topology, positions_nm = load_structure("alanine-dipeptide")
system = app.ForceField("amber99sbildn.xml").createSystem(topology)
many = np.repeat(positions_nm[None], 20_000, axis=0)
expected = BatchedEnergy(system, threads=1).evaluate(many[:1])[0]
energy = BatchedEnergy(system, threads=1000)
with open("/proc/self/statm") as sizes:
    used = int(sizes.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 200 * 2**20,) * 2)  # a thread takes 8 MiB and more
np.testing.assert_allclose(energy.evaluate(many), expected, rtol=1e-10)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory can be limited on Linux only")
def test_without_more_threads_there_are_energies_all_the_same():
    subprocess.run([sys.executable, "-c", WITHOUT_THREADS], check=True)
