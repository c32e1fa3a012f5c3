"""Which parameters decay, how gradients are clipped, and what is refused.

Shape letters: N samples, F features, P parameters.
"""

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from pellucid.data.dataset import Dataset
from pellucid.errors import OptionError
from pellucid.recipe import OptimizerName, Recipe
from pellucid.training.loop import train_step
from pellucid.training.optimizers import clip, make_optimizer
from tests.training.making import make_session


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


NAMES: tuple[OptimizerName, ...] = ("nesterov", "sgd")


def test_nesterov_without_momentum_is_plain_descent() -> None:
    models = [nn.Linear(3, 2), nn.Linear(3, 2)]
    models[1].load_state_dict(models[0].state_dict())
    for model, name in zip(models, NAMES, strict=True):
        optimizer = make_optimizer(model, Recipe(optimizer=name, momentum=0.0, weight_decay=0.0), 0.1)
        for _ in range(3):
            optimizer.zero_grad()
            model(torch.ones(1, 3)).square().sum().backward()
            optimizer.step()
    assert torch.equal(models[0].weight, models[1].weight)


def test_a_network_without_parameters_is_refused() -> None:
    with pytest.raises(OptionError, match="nothing to train"):
        make_optimizer(nn.ReLU(), Recipe(), 0.01)


def step_of(line: Dataset, **options: Any) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Take one step of gradient descent at rate 1.

    Returns:
        The gradient by its closed form, 2 / N X'(Xw + b - y), the step taken, (P,) both, and the norm reported.
    """
    torch.manual_seed(0)
    network = nn.Linear(2, 1)
    rows = line.rows["train"][:32]
    inputs_NF, errors_N1 = line.inputs[rows], network(line.inputs[rows]).detach() - line.targets[rows]
    with_bias = torch.cat([inputs_NF, torch.ones(32, 1)], 1).double()
    gradient_P = (2 / 32 * with_bias.T @ errors_N1.double())[:, 0].numpy()
    before_P = nn.utils.parameters_to_vector(network.parameters()).detach().clone()
    fixed = {"optimizer": "sgd", "learning_rate": 1.0, "schedule": "constant", "weight_decay": 0.0}
    norm = train_step(make_session(line, network, **fixed, **options), rows)
    after_P = nn.utils.parameters_to_vector(network.parameters()).detach()
    return gradient_P, (before_P - after_P).double().numpy(), norm


@pytest.mark.covers("C11")
@pytest.mark.parametrize("most", [0.01, 0.3, 1e6])
def test_clipping_by_norm_keeps_the_direction(line: Dataset, most: float) -> None:
    gradient_P, step_P, norm = step_of(line, clip_norm=most)
    size = math.sqrt(float(gradient_P @ gradient_P))
    np.testing.assert_allclose(step_P, gradient_P * min(1.0, most / size), atol=1e-6)
    assert norm == pytest.approx(size, rel=1e-5)  # the gradient's own, before it was clipped


@pytest.mark.covers("C11")
@pytest.mark.parametrize("most", [0.01, 0.3, 1e6])
def test_clipping_by_value_cuts_each_number(line: Dataset, most: float) -> None:
    gradient_P, step_P, _ = step_of(line, clip_value=most)
    np.testing.assert_allclose(step_P, np.clip(gradient_P, -most, most), atol=1e-6)


@pytest.mark.covers("C11")
def test_both_clip_one_after_the_other(line: Dataset) -> None:
    gradient_P, step_P, _ = step_of(line, clip_value=0.3, clip_norm=0.1)
    cut_P = np.clip(gradient_P, -0.3, 0.3)
    np.testing.assert_allclose(step_P, cut_P * 0.1 / np.linalg.norm(cut_P), atol=1e-6)


@pytest.mark.covers("C11")
@pytest.mark.parametrize("options", [{"clip_norm": 0.5}, {"clip_value": 0.05}, {"clip_norm": 100.0}])
def test_clipping_is_torchs(options: dict[str, float]) -> None:
    torch.manual_seed(0)
    ours = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3))
    ours(torch.randn(8, 5)).square().sum().backward()
    theirs = [p.detach().clone().requires_grad_() for p in ours.parameters()]
    for one, other in zip(ours.parameters(), theirs, strict=True):
        assert one.grad is not None
        other.grad = one.grad.clone()
    clip(ours, Recipe(**options))  # type: ignore[arg-type]
    if "clip_norm" in options:
        torch.nn.utils.clip_grad_norm_(theirs, options["clip_norm"])
    else:
        torch.nn.utils.clip_grad_value_(theirs, options["clip_value"])
    for one, other in zip(ours.parameters(), theirs, strict=True):
        assert one.grad is not None
        assert other.grad is not None
        assert torch.equal(one.grad, other.grad)


def test_momentum_that_never_ends_and_clipping_to_nothing_are_refused() -> None:
    for wrong in ({"momentum": 1.0}, {"clip_norm": 0.0}, {"clip_value": 0.0}, {"l1": -1.0}, {"l1": math.inf}):
        with pytest.raises(OptionError, match=next(iter(wrong))):
            Recipe(**wrong)  # type: ignore[arg-type]
