"""The losses of generator and discriminator, and the penalties, each against its written formula."""

import math
from typing import get_args

import pytest
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor, nn

from pellucid.recipe import AdversarialLossName
from pellucid.training.adversarial import (
    discriminator_loss,
    flat_slope_penalty,
    generator_loss,
    unit_slope_penalty,
)

REAL = torch.tensor([[-1.5], [0.2], [2.0], [0.0]])
MADE = torch.tensor([[0.7], [-3.0], [1.1], [-0.4]])


def sigma(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


FORMULAS: dict[AdversarialLossName, tuple[float, float]] = {
    "minimax": (
        -mean([math.log(sigma(r)) for r in REAL.flatten().tolist()])
        - mean([math.log(1 - sigma(f)) for f in MADE.flatten().tolist()]),
        mean([math.log(1 - sigma(f)) for f in MADE.flatten().tolist()]),
    ),
    "non-saturating": (
        -mean([math.log(sigma(r)) for r in REAL.flatten().tolist()])
        - mean([math.log(1 - sigma(f)) for f in MADE.flatten().tolist()]),
        -mean([math.log(sigma(f)) for f in MADE.flatten().tolist()]),
    ),
    "hinge": (
        mean([max(0.0, 1 - r) for r in REAL.flatten().tolist()])
        + mean([max(0.0, 1 + f) for f in MADE.flatten().tolist()]),
        -mean(MADE.flatten().tolist()),
    ),
    "wasserstein": (mean(MADE.flatten().tolist()) - mean(REAL.flatten().tolist()), -mean(MADE.flatten().tolist())),
}


@pytest.mark.covers("B9")
@pytest.mark.parametrize("name", get_args(AdversarialLossName))
def test_losses_are_their_formulas(name: AdversarialLossName) -> None:
    discriminator, generator = FORMULAS[name]
    assert discriminator_loss(name, REAL, MADE).item() == pytest.approx(discriminator, abs=1e-6)
    assert generator_loss(name, MADE).item() == pytest.approx(generator, abs=1e-6)


@pytest.mark.covers("B9")
@pytest.mark.parametrize(("name", "best"), [("minimax", math.log(3)), ("non-saturating", math.log(3)), ("hinge", 1.0)])
def test_the_best_discriminator_is_the_papers(name: AdversarialLossName, best: float) -> None:
    """Of two places, one with three real samples to one generated, one the other way round.

    The best logit is log(p / q), Goodfellow et al. (2014), proposition 1; the best of hinge is the margin's side.
    """

    def loss(d: float) -> float:
        places = torch.tensor([[d], [-d]], dtype=torch.float64)
        return float(discriminator_loss(name, places[[0, 0, 0, 1]], places[[0, 1, 1, 1]]))

    assert minimize_scalar(loss, bounds=(-5, 5), method="bounded").x == pytest.approx(best, abs=1e-4)


@pytest.mark.parametrize("name", get_args(AdversarialLossName))
def test_the_generator_wants_the_discriminator_fooled(name: AdversarialLossName) -> None:
    made = MADE.clone().requires_grad_()
    generator_loss(name, made).backward()
    assert made.grad is not None
    assert (made.grad < 0).all()


def test_minimax_hardly_pushes_a_generator_that_is_seen_through_and_non_saturating_does() -> None:
    """Section 3 of the paper: d/df log(1 - sigma(f)) = -sigma(f), d/df -log sigma(f) = sigma(f) - 1."""
    for name, slope in (("minimax", -sigma(-9)), ("non-saturating", sigma(-9) - 1)):
        made = torch.tensor([[-9.0]], requires_grad=True)
        generator_loss(name, made).backward()  # type: ignore[arg-type]
        assert made.grad is not None
        assert made.grad.item() == pytest.approx(slope, rel=1e-4)


@pytest.mark.parametrize("name", get_args(AdversarialLossName))
def test_losses_are_finite_however_sure_the_discriminator_is(name: AdversarialLossName) -> None:
    sure = torch.tensor([[1e4]])
    for loss in (discriminator_loss(name, -sure, sure), generator_loss(name, -sure), generator_loss(name, sure)):
        assert loss.isfinite()


@pytest.mark.covers("B9")
@pytest.mark.parametrize("shape", [(5,), (2, 3, 3)])
def test_penalties_of_a_linear_discriminator_are_known_in_closed_form(shape: tuple[int, ...]) -> None:
    """The gradient of w . x is w everywhere: penalties (|w| - 1)² and |w|² / 2, with gradients in w."""
    weight = torch.randn(shape, requires_grad=True)
    real, made = torch.randn(7, *shape), torch.randn(7, *shape)

    def discriminator(x: Tensor) -> Tensor:
        return (x * weight).flatten(1).sum(1, keepdim=True)

    norm = weight.norm()
    for ours, formula in (
        (unit_slope_penalty(discriminator, real, made), (norm - 1) ** 2),
        (flat_slope_penalty(discriminator, real), norm**2 / 2),
    ):
        assert ours.item() == pytest.approx(formula.item(), rel=1e-5)
        (gradient,) = torch.autograd.grad(ours, weight)
        (expected,) = torch.autograd.grad(formula, weight, retain_graph=True)
        assert torch.allclose(gradient, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.covers("B9")
def test_the_unit_slope_is_asked_for_between_the_samples() -> None:
    """D = |x|² / 2 has the slope |x|: with real samples at 0 and others at 3 the mean of (3 e - 1)² is 1."""
    torch.manual_seed(0)
    real, made = torch.zeros(200_000, 1), torch.full((200_000, 1), 3.0)
    penalty = unit_slope_penalty(lambda x: x.square() / 2, real, made)
    deviation = (2.2 / 200_000) ** 0.5  # E (3e - 1)^4 = (2^5 + 1) / 15, less the square of the mean 1
    assert penalty.item() == pytest.approx(1.0, abs=5 * deviation)


def test_a_flat_discriminator_has_penalties_that_can_be_differentiated() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    nn.init.constant_(network[0].bias, -100.0)  # type: ignore[arg-type]
    x = torch.randn(4, 2)
    (unit_slope_penalty(network, x, x) + flat_slope_penalty(network, x)).backward()
    for parameter in network.parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all()
