"""The tent in layers against its formula, and the count of linear pieces against lines that are known."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pellucid.experiments.claims.depth_against_width import pieces, tent
from pellucid.networks import parse

pytestmark = pytest.mark.covers("C19")


@pytest.mark.parametrize("layers", [1, 2, 5, 9])
def test_the_layers_are_the_tent_applied_again_and_again(layers: int) -> None:
    x = torch.linspace(0, 1, 777, dtype=torch.float64)
    expected = x
    for _ in range(layers):
        expected = 1 - (2 * expected - 1).abs()
    with torch.no_grad():
        assert torch.allclose(tent(layers)(x[:, None])[:, 0], expected, atol=1e-9)
    assert pieces(tent(layers)) == 2**layers


@settings(max_examples=30, deadline=None)
@given(kinks=st.lists(st.integers(1, 99), max_size=12), outside=st.integers(0, 3))
def test_one_layer_has_a_piece_more_than_kinks_inside(kinks: list[int], outside: int) -> None:
    """relu(x - t) bends at t; units that bend at the same place count once, and those beyond the interval never."""
    places = [place / 100 for place in kinks] + [2.0 + each for each in range(outside)]
    hidden, last = nn.Linear(1, len(places) + 1).double(), nn.Linear(len(places) + 1, 1).double()
    hidden.load_state_dict({"weight": torch.ones(len(places) + 1, 1), "bias": -torch.tensor([-1.0, *places])})
    last.load_state_dict({"weight": torch.ones(1, len(places) + 1), "bias": torch.zeros(1)})
    assert pieces(nn.Sequential(hidden, nn.ReLU(), last)) == len(set(kinks)) + 1


def test_both_networks_have_as_many_parameters() -> None:
    deep, shallow = "8 -> fc(6) -> tanh -> fc(2) -> tanh -> fc(1)", "8 -> fc(7) -> tanh -> fc(1)"
    assert parse(deep).parameters == parse(shallow).parameters == 71
