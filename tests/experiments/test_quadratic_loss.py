"""The losses behind a sigmoid and their gradients against closed forms, and Nielsen's neuron against his figures."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.experiments.claims.quadratic_loss import LOSSES, neuron, quadratic

pytestmark = pytest.mark.covers("C4")


@settings(max_examples=40)
@given(st.floats(-8, 8), st.sampled_from([0.0, 1.0]))
def test_the_gradients_are_those_of_the_closed_forms(z: float, y: float) -> None:
    at = torch.tensor([[z]], dtype=torch.float64, requires_grad=True)
    a = torch.sigmoid(at.detach())
    wanted = {"quadratic": (a - y) * a * (1 - a), "cross-entropy": a - y}
    for name, loss in LOSSES.items():
        (gradient,) = torch.autograd.grad(loss(at, torch.full_like(at, y)), at)
        torch.testing.assert_close(gradient, wanted[name])


@pytest.mark.parametrize(("start", "first", "last"), [((0.6, 0.9), 0.82, 0.09), ((2.0, 2.0), 0.98, 0.20)])
def test_nielsens_neuron_ends_where_his_does(start: tuple[float, float], first: float, last: float) -> None:
    outputs = neuron(quadratic, *start)
    assert round(outputs[0], 2) == first
    assert round(outputs[-1], 2) == last
