"""Backpropagation written out: against autograd, to the bit; and that nobody who listens misses a step."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
)

from pellucid.data.dataset import Classes, Dataset, Values
from pellucid.diagnosis import Sampling, Watch
from pellucid.errors import DivergedError
from pellucid.networks import build
from pellucid.recipe import Recipe
from pellucid.record import Step
from pellucid.seed import seed_torch
from pellucid.shapes import Features, Image, Shape
from pellucid.training.backpropagation import chain_of
from pellucid.training.defaults import fill_in
from pellucid.training.device import choose_device
from pellucid.training.loop import open_session, steps
from pellucid.training.session import Session
from pellucid.training.tasks import task_for
from tests.training.making import make_data

NUMBERS = Features(6)


class Everybody:
    """Who hears every step, so that autograd has them all."""

    hears = True

    def skip(self) -> None:
        raise AssertionError("a step was made where it could not be heard")


def made(classes: int | None, shape: Shape = NUMBERS, rows: int = 50) -> Dataset:
    seed_torch(0, "data")
    size = (shape.channels, shape.height, shape.width) if isinstance(shape, Image) else (6,)
    inputs = torch.randn(rows, *size)
    if classes is None:
        return make_data(inputs, torch.randn(rows, 2), Values(("a", "b"), (0.0, 0.0), (1.0, 1.0)), shape, rows - 10)
    names = tuple(map(str, range(classes)))
    return make_data(inputs, torch.randint(classes, (rows,)), Classes(names), shape, rows - 10)


def session_of(network: nn.Module | str, data: Dataset, **recipe: Any) -> Session:
    asked: dict[str, Any] = {
        "batch_size": 7,
        "epochs": 3,
        "learning_rate": 0.01,
        "schedule": "cosine",
        "device": "cpu",
    } | recipe
    filled = fill_in(Recipe(**asked), data)
    built = build(network, 0) if isinstance(network, str) else network
    return open_session(built, data, task_for(data, filled), filled, choose_device(filled))


def trained(session: Session) -> tuple[dict[str, torch.Tensor], list[tuple[float, float]]]:
    events = list(steps(session, every=4))
    return session.network.state_dict(), [(e.loss, e.gradient_norm) for e in events if isinstance(e, Step)]


def assert_same(network: Callable[[], nn.Module] | str, data: Dataset, **recipe: Any) -> None:
    """Train by autograd and by the chain: every weight, loss and norm is the same number."""
    both = []
    for audience in (Everybody(), None):
        session = session_of(network if isinstance(network, str) else network(), data, **recipe)
        session.audience = audience
        both.append(trained(session))
        assert session.backpropagate is not None
    (weights, said), (others, also_said) = both
    assert said == also_said
    for name, weight in weights.items():
        assert torch.equal(weight, others[name]), name


@pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "rmsprop", "adamw"])
@pytest.mark.parametrize("classes", [3, None])
def test_a_chain_learns_what_autograd_learns_to_the_bit(optimizer: str, classes: int | None) -> None:
    outputs = classes or 2
    arrows = f"6 -> fc(16) -> relu -> dropout(0.3) -> fc(9) -> tanh -> fc(5) -> sigmoid -> fc({outputs})"
    assert_same(arrows, made(classes), optimizer=optimizer, weight_decay=0.01, clip_norm=1.0)


def test_penalties_and_clipping_by_value_are_the_same() -> None:
    assert_same("6 -> fc(8) -> relu -> fc(3)", made(3), l1=0.01, clip_value=0.05)


@pytest.mark.parametrize("arrows", ["4x4x2 -> fc(8) -> relu -> fc(3)", "4x4x2 -> mlp(9, 8, dropout=0.2, classes=3)"])
def test_images_are_flattened(arrows: str) -> None:
    assert_same(arrows, made(3, Image(4, 4, 2)))


@settings(max_examples=25, deadline=None)
@given(
    hidden=some.lists(some.integers(1, 40), max_size=3),
    batch=some.integers(2, 40),
    squash=some.sampled_from(["relu", "tanh", "sigmoid", "relu -> dropout(0.5)"]),
    classes=some.sampled_from([2, 5, None]),
)
def test_of_any_widths_and_batches(hidden: list[int], batch: int, squash: str, classes: int | None) -> None:
    layers = [f"fc({width}) -> {squash}" for width in hidden]
    assert_same(" -> ".join(["6", *layers, f"fc({classes or 2})"]), made(classes), batch_size=batch, epochs=1)


def with_hook() -> nn.Module:
    network = build("6 -> fc(8) -> relu -> fc(3)", 0)
    network.get_submodule("fc1").register_forward_hook(lambda *_: None)
    return network


def with_frozen_weights() -> nn.Module:
    network = build("6 -> fc(8) -> relu -> fc(3)", 0)
    network.get_submodule("fc1").requires_grad_(requires_grad=False)
    return network


def with_masked_gradient() -> nn.Module:
    network = build("6 -> fc(8) -> relu -> fc(3)", 0)
    weight = network.get_parameter("fc1.weight")
    weight.register_hook(lambda gradient: gradient * (weight != 0))
    return network


def with_another_forward() -> nn.Module:
    network = build("6 -> fc(8) -> relu -> fc(3)", 0)
    network.get_submodule("relu1").forward = torch.sin
    return network


def with_one_layer_twice() -> nn.Module:
    again = nn.Linear(6, 6)
    return nn.Sequential(again, nn.ReLU(), again, nn.Linear(6, 3))


def with_one_weight_twice() -> nn.Module:
    one, other = nn.Linear(6, 6), nn.Linear(6, 6)
    other.weight = one.weight
    return nn.Sequential(one, nn.ReLU(), other, nn.Linear(6, 3))


class Own(nn.Linear):
    """A layer of a user's own, which may do anything."""


@pytest.mark.parametrize(
    ("network", "options"),
    [
        ("6 -> fc(8) -> batchnorm -> relu -> fc(3)", {}),
        ("6 -> fc(8) -> gelu -> fc(3)", {}),
        ("6 -> fc(8) -> relu -> fc(3)", {"label_smoothing": 0.1}),
        ("6 -> fc(8) -> relu -> fc(3)", {"precision": "bf16"}),
        (with_hook, {}),
        (with_frozen_weights, {}),
        (with_masked_gradient, {}),
        (with_another_forward, {}),
        (with_one_layer_twice, {}),
        (with_one_weight_twice, {}),
        (lambda: nn.Sequential(nn.Linear(6, 8), nn.ReLU(), Own(8, 3)), {}),
        (lambda: nn.Sequential(nn.Linear(6, 8, bias=False), nn.Linear(8, 3)), {}),
    ],
)
def test_what_is_no_plain_chain_is_left_to_autograd(
    network: str | Callable[[], nn.Module], options: dict[str, Any]
) -> None:
    session = session_of(network if isinstance(network, str) else network(), made(3), **options)
    assert chain_of(session) is None


def test_a_loss_that_is_not_finite_leaves_the_weights_as_they_were() -> None:
    session = session_of("6 -> fc(8) -> relu -> fc(3)", made(3))
    before = {name: weight.clone() for name, weight in session.network.state_dict().items()}
    session.data.inputs[session.data.rows["train"]] = torch.nan
    with pytest.raises(DivergedError):
        list(steps(session))
    assert all(torch.equal(before[name], weight) for name, weight in session.network.state_dict().items())


def test_a_watch_counts_what_it_sleeps_through_and_sees_what_it_would_have_seen() -> None:
    seen = []
    for short in (False, True):  # a watch that is not the session's audience must hear all
        session = session_of("6 -> fc(8) -> relu -> fc(3)", made(3, rows=400), epochs=8)
        sampling = Sampling(rows=(4, 2), figures=(4, 2), graphs=(4, 2), losses=(8, 4))
        with Watch(session.network, sampling=sampling, within=True) as watch:
            session.audience = watch if short else None
            list(steps(session))
        assert not watch.seen.faults
        seen.append((watch.seen, session))
    (usual, one), (skipped, other) = seen
    assert (usual.steps, usual.backwards) == (skipped.steps, skipped.backwards)
    assert usual.steps == one.total_steps > 400
    assert [s.values for s in usual.series.values()] == [s.values for s in skipped.series.values()]
    assert [o.rates for o in usual.optimizers] == [o.rates for o in skipped.optimizers]
    for name, weight in one.network.state_dict().items():
        assert torch.equal(weight, other.network.state_dict()[name])


@pytest.mark.parametrize(
    "register", [register_module_forward_pre_hook, register_module_forward_hook, register_module_full_backward_hook]
)
@pytest.mark.filterwarnings("ignore:Full backward hook")  # the first layer is given nothing that learns
def test_hooks_of_all_modules_hear_every_step(register: Callable[[Any], Any]) -> None:
    called: list[str] = []

    def hear(module: nn.Module, *_: object) -> None:
        called.append(type(module).__name__)

    handle = register(hear)
    try:
        session = session_of("6 -> fc(8) -> relu -> fc(3)", made(3), epochs=1)
        list(steps(session))
    finally:
        handle.remove()
    assert called.count("ReLU") >= session.total_steps
