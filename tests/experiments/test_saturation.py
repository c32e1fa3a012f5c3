"""Where activations saturate, held against closed forms, autograd and units that were counted by hand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from pellucid.experiments.claims.saturation import saturated_from, share_saturated, slope
from pellucid.networks import NONLINEARITIES

pytestmark = pytest.mark.covers("A5", "D7")


@given(st.floats(1e-6, 0.999))
def test_where_a_slope_is_left_is_the_inverse_of_the_derivative(share: float) -> None:
    assert saturated_from("tanh", share) == pytest.approx(math.atanh(math.sqrt(1 - share)), abs=1e-6)
    root = math.sqrt(1 - share)
    assert saturated_from("sigmoid", share / 4) == pytest.approx(math.log((1 + root) / (1 - root)), abs=1e-6)


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_it_agrees_with_what_is_said_of_each_activation(name: str) -> None:
    assert saturated_from(name, 0.01) == pytest.approx(NONLINEARITIES[name].above, abs=1e-3)


@given(st.floats(-20, 20))
def test_the_slopes_are_autograds(z: float) -> None:
    for name in ("sigmoid", "tanh"):
        at = torch.tensor(z, dtype=torch.float64, requires_grad=True)
        (gradient,) = torch.autograd.grad(getattr(torch, name)(at), at)
        assert slope(name, z) == pytest.approx(float(gradient), abs=1e-15)


def test_tanh_is_steeper_up_to_where_the_formula_says() -> None:
    crossing = 2 * math.acosh((1 + math.sqrt(3)) / 2)
    assert slope("tanh", crossing) == pytest.approx(slope("sigmoid", crossing), abs=1e-12)
    assert crossing == pytest.approx(1.66, abs=0.005)


def test_saturated_units_are_counted_over_all_layers_and_inputs() -> None:
    network = nn.Sequential(nn.Identity(), nn.Tanh(), nn.Identity(), nn.Tanh())
    inputs = torch.tensor([[0.0, 10.0], [-10.0, 1.0]])
    # the second layer is given numbers from -1 to 1, where no unit is saturated
    assert share_saturated(network, inputs, "tanh") == 2 / 8
