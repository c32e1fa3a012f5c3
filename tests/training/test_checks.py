"""The two tests before a training, on problems whose answer is known."""

import pytest
import torch
from torch import nn

from pellucid.data.dataset import Dataset
from pellucid.errors import RunError
from pellucid.training.checks import overfit_one_batch, range_test
from tests.training.making import make_session, perceptron, state


@pytest.mark.covers("C8")
def test_the_suggested_rate_is_stable_and_not_timid(line: Dataset) -> None:
    session = make_session(line, nn.Linear(2, 1), optimizer="sgd", weight_decay=0.0)
    before = state(session)
    found = range_test(session)
    # Gradient descent on |Xw - y|²/n is stable below 2 / the largest eigenvalue of 2 XᵀX / n.
    x = torch.cat([line.inputs, torch.ones(len(line.inputs), 1)], dim=1)
    largest = torch.linalg.eigvalsh(2 * x.T @ x / len(x))[-1].item()
    assert 0.01 * 2 / largest < found.suggestion < 2 / largest
    assert all(torch.equal(before[name], tensor) for name, tensor in state(session).items())
    assert session.progress.step == 0


def test_a_loss_that_never_falls_gives_no_suggestion(blobs: Dataset) -> None:
    class Deaf(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 0 * self.scale * x

    with pytest.raises(RunError, match="no learning rate"):
        range_test(make_session(blobs, Deaf(), optimizer="sgd"))


def test_a_batch_is_learned_by_heart_or_the_verdict_says_not(blobs: Dataset, line: Dataset) -> None:
    assert overfit_one_batch(make_session(blobs, perceptron(), learning_rate=0.01)).passed
    assert overfit_one_batch(make_session(line, nn.Linear(2, 1), learning_rate=0.1)).passed

    regularised = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 2))
    assert overfit_one_batch(make_session(blobs, regularised, learning_rate=0.01, label_smoothing=0.3)).passed

    class BlindToInputs(nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            return super().forward(torch.zeros_like(input))

    assert not overfit_one_batch(make_session(blobs, BlindToInputs(2, 2), learning_rate=0.01)).passed
