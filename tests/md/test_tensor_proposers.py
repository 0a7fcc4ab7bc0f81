"""Proposers that ask for torch tensors: shared memory, answers, and the same samples."""

import gc

import numpy as np
import pytest
import torch

from openmm_genmd import MultipleTry, Proposal, Proposer
from openmm_genmd.md.proposer_session import ProposerSession
from openmm_genmd.proposers.tensors import beside, from_memory, to_numpy

WIDTH_NM = 0.1


class Normal(Proposer):
    """Leaps around c x: in NumPy, or the same in torch."""

    particles, grade = [0, 1], "exact"

    def __init__(self, tensors, conditional=True):
        self.tensors, self.conditional = tensors, conditional
        self.shown = []

    def propose(self, positions, box, rng):
        self.shown.append(positions)
        candidates, forward = self.sample(positions, box, rng, 1)
        backward = self.log_density(positions[None], candidates[0], box)
        return Proposal(candidates[0], (backward - forward)[0])

    def sample(self, positions, box, rng, k):
        assert isinstance(positions, torch.Tensor if self.tensors else np.ndarray)
        noise = WIDTH_NM * rng.normal(size=(k, 2, 3))
        if self.tensors:
            noise = torch.from_numpy(noise)
        candidates = self._centre(positions) + noise
        return candidates, self.log_density(candidates, positions, box)

    def log_density(self, candidates, given, box):
        shift = (candidates - self._centre(given)) / WIDTH_NM
        return -0.5 * (shift**2).sum(axis=(1, 2))

    def _centre(self, positions):
        return (0.5 if self.conditional else 0.0) * positions


@pytest.mark.parametrize("protocol", [None, MultipleTry(1), MultipleTry(4)])
@pytest.mark.parametrize("conditional", [False, True])
def test_tensors_give_the_same_run(
    protocol, conditional, well, verlet_jumping, in_context, snapshot
):
    states = []
    for tensors in (False, True):
        proposer = Normal(tensors, conditional)
        integrator = verlet_jumping(proposer, 2, protocol=protocol)
        context = in_context(well(2), integrator)
        integrator.step(100)
        assert integrator.getNumJumpsAccepted() > 5
        states.append(snapshot(context))
    assert states[0] == states[1]


def test_a_tensor_that_is_kept_stays_alive(well, verlet_jumping, in_context):
    """Its memory belongs to the tensor, also when the Context is long gone."""
    proposer = Normal(tensors=True)
    integrator = verlet_jumping(proposer, 1)
    context = in_context(well(2), integrator)
    expected = []
    for _ in range(20):
        integrator.step(1)
        expected.append(proposer.shown[-1].clone())
    del context, integrator
    gc.collect()
    assert len(proposer.shown) == 20
    assert all(torch.equal(a, b) for a, b in zip(proposer.shown, expected, strict=True))
    assert proposer.shown[0].dtype == torch.float64


def test_memory_is_shared_and_not_copied():
    array = np.zeros((2, 3))
    tensor = from_memory(array)
    tensor[1, 2] = 5.0
    assert array[1, 2] == 5.0
    assert tensor.device == beside(array, tensor).device
    np.testing.assert_array_equal(to_numpy(tensor), array)
    assert to_numpy(1.5) == 1.5


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda x: x.float(),
            "positions must be a NumPy array of float64 .nm., got dtype",
        ),
        (lambda x: x[:1], r"Proposal.positions must have shape \(2, 3\)"),
    ],
)
def test_wrong_tensors_are_refused(spoil, message, monkeypatch):
    proposer = Normal(tensors=True)
    monkeypatch.setattr(
        proposer, "propose", lambda x, box, rng: Proposal(spoil(x), torch.tensor(0.0))
    )
    with pytest.raises(ValueError, match=message):
        ProposerSession(proposer).propose(torch.zeros((2, 3), dtype=torch.float64), None)
