"""Which parameters decay, and what is refused."""

import pytest
from torch import nn

from pellucid.errors import OptionError
from pellucid.recipe import Recipe
from pellucid.training.optimizers import make_optimizer


def test_biases_and_norms_do_not_decay() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    decays: dict[int, float] = {}
    for group in make_optimizer(model, Recipe(weight_decay=0.1), 0.01).param_groups:
        decays |= {id(parameter): group["weight_decay"] for parameter in group["params"]}
    assert {name: decays[id(parameter)] for name, parameter in model.named_parameters()} == {
        "0.weight": 0.1,
        "0.bias": 0.0,
        "1.weight": 0.0,
        "1.bias": 0.0,
        "2.weight": 0.1,
        "2.bias": 0.0,
    }


def test_a_network_without_parameters_is_refused() -> None:
    with pytest.raises(OptionError, match="nothing to train"):
        make_optimizer(nn.ReLU(), Recipe(), 0.01)
