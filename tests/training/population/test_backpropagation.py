"""Chains of a population written out: each member's loss and gradients are those that autograd finds of it alone."""

import copy
import dataclasses
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

from pellucid.data import load
from pellucid.data.dataset import Classes, Dataset, Values
from pellucid.networks import build
from pellucid.recipe import Recipe
from pellucid.seed import isolated, seed_torch
from pellucid.shapes import Features, Image, Shape
from pellucid.training import Session, begin, steps
from pellucid.training.population import Population
from pellucid.training.population.backpropagation import chains_of
from pellucid.training.population.stack import Stack
from tests.training.making import make_data, make_session

MEMBERS = 3
CHAIN = "8x8x1 -> fc(16) -> relu -> dropout(0.2) -> fc(12) -> tanh -> fc(8) -> sigmoid -> fc(10)"


def made(classes: int | None, shape: Shape) -> Dataset:
    seed_torch(0, "data")
    size = (shape.channels, shape.height, shape.width) if isinstance(shape, Image) else (6,)
    inputs = torch.randn(50, *size, dtype=torch.float64)
    if classes is None:
        answers = torch.randn(50, 2, dtype=torch.float64)
        return make_data(inputs, answers, Values(("a", "b"), (0.0, 0.0), (1.0, 1.0)), shape, 40)
    return make_data(inputs, torch.randint(classes, (50,)), Classes(tuple(map(str, range(classes)))), shape, 40)


def sessions_of(arrows: str, data: Dataset, **recipe: Any) -> list[Session]:
    return [make_session(data, build(arrows, seed=k).double(), seed=k, **recipe) for k in range(MEMBERS)]


@settings(max_examples=40, deadline=None)
@given(
    hidden=some.lists(some.integers(1, 30), max_size=3),
    batch=some.integers(2, 20),
    squash=some.sampled_from(["relu", "tanh", "sigmoid", "relu -> dropout(0.5)", "dropout(0)"]),
    classes=some.sampled_from([2, 7, None]),
    smoothing=some.sampled_from([0.0, 0.1]),
    is_image=some.booleans(),
)
def test_losses_and_gradients_are_autograds(
    hidden: list[int], batch: int, squash: str, classes: int | None, smoothing: float, is_image: bool
) -> None:
    data = made(classes, Image(4, 4, 2) if is_image else Features(6))
    arrows = " -> ".join(
        ["4x4x2" if is_image else "6", *(f"fc({width}) -> {squash}" for width in hidden), f"fc({classes or 2})"]
    )
    sessions = sessions_of(arrows, data, label_smoothing=smoothing if classes else 0.0)
    alone = [copy.deepcopy(session.network).train() for session in sessions]
    rows_KB = torch.stack([torch.randperm(40)[:batch] for _ in sessions])
    inputs_KB, targets_KB = data.inputs[rows_KB], data.targets[rows_KB]
    stack = Stack([session.network for session in sessions], inputs_KB)
    chains = chains_of(sessions[0], stack)
    assert chains is not None
    losses_K = chains(inputs_KB, targets_KB, stack.draw(range(MEMBERS), inputs_KB[0]))
    for k, network in enumerate(alone):
        with isolated():
            torch.manual_seed(k)
            loss = sessions[k].task.loss(network(inputs_KB[k]), targets_KB[k])  # type: ignore[attr-defined]
        loss.backward()
        assert torch.allclose(losses_K[k], loss, rtol=1e-10, atol=1e-12)
        gradient_P = torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])
        assert torch.allclose(stack.gradients_KP[k], gradient_P, rtol=1e-9, atol=1e-12)


def both(arrows: str, **recipe: Any) -> tuple[list[Session], list[Session]]:
    data = load("digits")
    one, other = (
        [begin(data, arrows, Recipe(seed=k, epochs=4, batch_size=32, device="cpu", **recipe)).session for k in range(3)]
        for _ in range(2)
    )
    return one, other


def is_written_out(population: Population) -> bool:
    return population._chains is not None


def assert_near(one: Session, other: Session, most: float) -> None:
    for name, weight in one.network.state_dict().items():
        beside = other.network.state_dict()[name]
        assert float((weight - beside).abs().max() / weight.abs().max()) < most, name


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_each_is_what_it_is_alone_after_100_steps(smoothing: float) -> None:
    ones, others = both(CHAIN, learning_rate=1e-3, label_smoothing=smoothing, weight_decay=0.01, clip_norm=1.0)
    population = Population(others)
    assert is_written_out(population)
    list(population.steps())
    for one, other in zip(ones, others, strict=True):
        list(steps(one))
        assert one.progress.step > 100
        assert_near(one, other, 1e-5)


def test_those_that_stay_go_on_when_one_leaves() -> None:
    ones, others = both(CHAIN, learning_rate=1e-3)
    for session in (ones[1], others[1]):
        session.recipe = dataclasses.replace(session.recipe, epochs=2)
    list(Population(others).steps())
    for one, other in zip(ones, others, strict=True):
        list(steps(one))
        assert one.progress.step == other.progress.step
        assert_near(one, other, 1e-5)


def test_where_somebody_listens_autograd_does_it_to_the_same() -> None:
    ones, others = both(CHAIN, learning_rate=1e-3)
    list(Population(ones).steps())
    handle = register_module_forward_hook(lambda *_: None)
    try:
        population = Population(others)
        assert not is_written_out(population)
        list(population.steps())
    finally:
        handle.remove()
    for one, other in zip(ones, others, strict=True):
        assert_near(one, other, 1e-5)


@pytest.mark.parametrize(
    ("arrows", "recipe"),
    [
        ("8x8x1 -> fc(8) -> gelu -> fc(10)", {}),
        ("8x8x1 -> fc(8, bias=no) -> relu -> fc(10)", {}),
        ("8x8x1 -> fc(8) -> batchnorm -> relu -> fc(10)", {}),
        ("8x8x1 -> conv(4, 3x3) -> relu -> fc(10)", {}),
        ("8x8x1 -> fc(8) -> relu -> fc(10)", {"loss": "map"}),
    ],
)
def test_what_is_no_chain_is_left_to_autograd(arrows: str, recipe: dict[str, Any]) -> None:
    ones, _ = both(arrows, **recipe)
    assert not is_written_out(Population(ones))


def test_a_single_layer_is_a_chain() -> None:
    data = made(3, Features(6))
    sessions = [make_session(data, nn.Linear(6, 3).double(), seed=k) for k in range(MEMBERS)]
    population = Population(sessions)
    assert is_written_out(population)
    before: list[Tensor] = [session.network.get_parameter("weight").detach().clone() for session in sessions]
    list(population.steps())
    assert all(
        not torch.equal(old, session.network.get_parameter("weight"))
        for old, session in zip(before, sessions, strict=True)
    )
