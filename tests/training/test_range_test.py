"""What is read off a range test, on curves and on a quadratic whose curvature is known."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from pellucid.data.dataset import Dataset, Values
from pellucid.seed import generator
from pellucid.shapes import Features
from pellucid.training.checks import RangeTest, range_test
from tests.training.making import make_data, make_session

pytestmark = pytest.mark.covers("C8")

RATES = tuple(np.geomspace(1e-4, 10, 101).tolist())


def sigmoid_fall(centre: float) -> tuple[float, ...]:
    """Fall fastest at a rate, then rise from ten times it on."""
    away = np.log10(RATES) - math.log10(centre)
    return tuple((1 / (1 + np.exp(6 * away)) + np.where(away > 1, (away - 1) ** 2, 0)).tolist())


@pytest.mark.parametrize("centre", [0.001, 0.1, 0.5])
def test_the_steepest_place_of_a_curve_is_found(centre: float) -> None:
    test = RangeTest(RATES, sigmoid_fall(centre), centre)
    assert test.steepest == pytest.approx(centre, rel=0.13)  # a step between two rates is a factor of 1.12
    assert test.before_minimum() == pytest.approx(centre, rel=0.5)


def quadratic(curvature: float) -> Dataset:
    """Return noisy points of a line through 0; on every batch a weight's squared error has that curvature."""
    x_N1 = math.sqrt(curvature / 2) * torch.tensor([1.0, -1.0]).repeat(64)[:, None]
    y_N1 = 3 * x_N1 + torch.randn(128, 1, generator=generator(0, "noise"))
    return make_data(x_N1, y_N1, Values(("y",), (0.0,), (1.0,)), Features(1), train=96)


@pytest.mark.parametrize("curvature", [1.0, 4.0, 40.0])
def test_rates_above_two_over_the_curvature_diverge(curvature: float) -> None:
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    test = range_test(make_session(quadratic(curvature), network, optimizer="sgd", batch_size=16, weight_decay=0.0))
    bound = 2 / curvature
    assert test.steepest < bound
    assert test.before_minimum() < bound
    assert bound < test.rates[-1] < 5 * bound  # given up, but not before
    assert test.losses[-1] > 4 * min(test.losses)
