"""Initialisation: the recursion against its closed forms, and the starts against torch's own layers."""

import math

import pytest
import torch
from torch import nn

from pellucid.experiments.claims.initialisation import STARTS, activations, expected, variances
from pellucid.seed import generator


@pytest.mark.covers("C5")
@pytest.mark.parametrize(("start", "ratio"), [("He", 1), ("deviation 1/√n", 1 / 2), ("torch's ±1/√n", 1 / 6)])
def test_each_relu_layer_multiplies_by_a_constant(start: str, ratio: float) -> None:
    squares = expected(start, 3.0)
    assert squares == pytest.approx([3.0 * ratio**layer for layer in range(1, len(squares) + 1)], rel=1e-12)


@pytest.mark.covers("C5")
def test_weights_have_the_variance_that_the_recursion_takes() -> None:
    for name, start in STARTS.items():
        drawn_MN = start(torch.empty(256, 64), generator(0, name))
        assert 64 * float(drawn_MN.var()) == pytest.approx(variances(name)[0], rel=0.05)
        assert abs(float(drawn_MN.mean())) < 0.05 * float(drawn_MN.std())


def test_torchs_start_is_what_torch_draws() -> None:
    layer = nn.Linear(256, 256)
    assert 256 * float(layer.weight.detach().var()) == pytest.approx(variances("torch's ±1/√n")[1], rel=0.05)


def test_one_layer_of_relu_halves_and_of_tanh_is_bounded() -> None:
    x_BN = torch.randn(16, 64, generator=generator(0, "x"))
    squares, _ = activations("He", torch.relu, x_BN, generator(0, "He"))
    assert squares[0] == pytest.approx(float(x_BN.square().mean()), rel=0.1)
    squares, saturated = activations("deviation 1", torch.tanh, x_BN, generator(0, "large"))
    # tanh² of N(0, n a²): P(|z| > artanh 0.99), with the a² that the layer before gave
    deviation = math.sqrt(256 * squares[-2])
    beyond = math.erfc(math.atanh(0.99) / deviation / math.sqrt(2))
    assert saturated == pytest.approx(beyond, abs=0.01)
