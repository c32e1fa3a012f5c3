"""First weights: the variances asked for, and the figures that tell units apart, on units made up."""

import math

import pytest
import torch

from pellucid.experiments.claims.initial_weights import STARTS, agreement, saturated, units_of
from pellucid.seed import generator


@pytest.mark.covers("D7")
@pytest.mark.parametrize(("start", "mean", "variance"), [
    ("[0, 1)", 1 / 2, 1 / 12),
    ("normal", 0, 2 / 500),
    ("uniform around 0", 0, 2 / 500),
])  # fmt: skip
def test_weights_have_the_mean_and_variance_said(start: str, mean: float, variance: float) -> None:
    drawn_MN = STARTS[start](torch.empty(200, 500), 2.0, generator(0, start))
    assert float(drawn_MN.var()) == pytest.approx(variance, rel=0.02)
    assert float(drawn_MN.mean()) == pytest.approx(mean, abs=4 * math.sqrt(variance / 1e5))


def test_units_that_are_one_agree_and_opposites_do_not() -> None:
    one_N = torch.randn(50, generator=generator(0, "unit"))
    assert agreement(torch.stack([one_N, 3 * one_N, one_N], dim=1)) == 1
    assert agreement(torch.stack([one_N, -one_N], dim=1)) == 0
    assert agreement(torch.randn(5000, 20, generator=generator(0, "many"))) == pytest.approx(0.5, abs=0.01)


def test_units_beyond_the_bound_are_saturated() -> None:
    assert saturated(torch.tensor([[0.5, -0.995], [0.98, 0.999]])) == 0.5


@pytest.mark.covers("D7")
def test_weights_that_are_all_positive_make_units_alike() -> None:
    x_NCHW = torch.randn(200, 1, 8, 8, generator=generator(0, "x"))
    positive, around = (units_of(start, 0, x_NCHW) for start in ("[0, 1)", "normal"))
    assert agreement(positive) > 0.75
    assert agreement(around) == pytest.approx(0.5, abs=0.1)
    assert saturated(positive) > 0.5 > saturated(around)
