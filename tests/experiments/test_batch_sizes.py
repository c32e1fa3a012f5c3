"""The notes' fit against its closed form and torch, and the noise of a batch's gradient against sampling theory."""

import pytest
import torch

from pellucid.data import load
from pellucid.experiments.claims.batch_sizes import batch_epoch, fit_line, gradient_noise, stochastic_epoch
from pellucid.recipe import Recipe
from pellucid.training import begin

pytestmark = pytest.mark.covers("C6")


def test_batch_descent_has_a_closed_form() -> None:
    # w - 2 shrinks by 1 - rate * 2 * mean(x²) a step
    assert fit_line(batch_epoch) == pytest.approx(2 - (1 - 0.01 * 2 * 14 / 3) ** 100, rel=1e-12)


@pytest.mark.parametrize(("update", "size"), [(batch_epoch, 3), (stochastic_epoch, 1)])
def test_both_are_torchs(update: object, size: int) -> None:
    x, y = torch.tensor([1.0, 2.0, 3.0]).double(), torch.tensor([2.0, 4.0, 6.0]).double()
    w = torch.nn.Parameter(torch.ones(1).double())
    optimizer = torch.optim.SGD([w], lr=0.01)
    for _ in range(100):
        for of_batch in torch.arange(3).split(size):
            optimizer.zero_grad()
            (x[of_batch] * w - y[of_batch]).square().mean().backward()
            optimizer.step()
    assert fit_line(update) == pytest.approx(w.item(), rel=1e-14)  # type: ignore[arg-type]


def test_the_gradient_of_all_has_no_noise_and_of_two_halves_the_same() -> None:
    data = load("wine")
    session = begin(data, "13 -> fc(3)", Recipe(seed=0)).session
    samples = len(data.rows["train"])
    single, half, every = gradient_noise(session, (1, samples // 2, samples), 0)
    assert every == pytest.approx(0, abs=1e-6)
    assert 0 < half < single
