"""A fleet: sessions of any makes, each trained to what it would be alone."""

import dataclasses
import signal

import pytest
import torch

from pellucid.data import load
from pellucid.data.dataset import Dataset
from pellucid.errors import DivergedError
from pellucid.recipe import Recipe
from pellucid.training import Session, begin, fit
from pellucid.training.population import Event, Fleet, Population, fleet

RECIPE = Recipe(epochs=3, device="cpu", batch_size=32, threads=1)
TEXTS = {"small": "4 -> fc(4) -> tanh -> fc(3)", "large": "4 -> fc(8) -> tanh -> fc(3)", "step": "4 -> fc(3) -> step"}


@pytest.fixture(scope="module")
def iris() -> Dataset:
    return load("iris")


def sessions(data: Dataset) -> dict[str, Session]:
    """Two of one make, two of another, and one that learns by a rule of its own."""
    return {
        "small 0": begin(data, TEXTS["small"], RECIPE).session,
        "large 0": begin(data, TEXTS["large"], RECIPE).session,
        "small 1": begin(data, TEXTS["small"], dataclasses.replace(RECIPE, seed=1)).session,
        "large 1": begin(data, TEXTS["large"], dataclasses.replace(RECIPE, learning_rate=0.05)).session,
        "step": begin(data, TEXTS["step"], dataclasses.replace(RECIPE, rule="perceptron")).session,
    }


def assert_alike(one: Session, other: Session) -> None:
    assert one.progress.step == other.progress.step
    for name, weights in one.network.state_dict().items():
        torch.testing.assert_close(weights, other.network.state_dict()[name], rtol=1e-4, atol=1e-5)


def test_each_comes_to_what_it_is_alone(iris: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    class Counted(Population):
        def __init__(self, given: list[Session]) -> None:
            sizes.append(len(given))
            super().__init__(given)

    monkeypatch.setattr(fleet, "Population", Counted)
    together, alone, heard = sessions(iris), sessions(iris), []
    assert Fleet(together, lambda name, event: heard.append((name, event))).train()
    assert sizes == [2, 2]
    for name, session in alone.items():
        fit(session)
        assert_alike(together[name], session)
    assert {name for name, _ in heard} == set(together)


def test_it_stops_at_an_epoch_and_goes_on(iris: Dataset) -> None:
    parted, whole = sessions(iris), sessions(iris)
    assert Fleet(whole, lambda *_: None).train()
    under_way = Fleet(parted, lambda *_: None)
    for until in (1, 2, None):
        assert under_way.train(until)
        assert until is None or all(one.progress.epoch == until + 1 or one.finished for one in parted.values())
    for name, session in whole.items():
        assert_alike(parted[name], session)


def test_ctrl_c_ends_it_whole_and_saved(iris: Dataset) -> None:
    stopped, whole = sessions(iris), sessions(iris)
    saved: list[bool] = []

    def hear(name: str, event: Event) -> None:
        if name == "large 1" and not saved:
            signal.raise_signal(signal.SIGINT)

    assert not Fleet(stopped, hear, lambda: saved.append(True)).train()
    assert saved
    assert not all(session.finished for session in stopped.values())
    assert Fleet(stopped, lambda *_: None).train()
    Fleet(whole, lambda *_: None).train()
    for name, session in whole.items():
        assert_alike(stopped[name], session)


def test_what_diverges_is_heard_of_and_the_others_go_on(iris: Dataset) -> None:
    wild = dataclasses.replace(RECIPE, learning_rate=1e8, optimizer="sgd")
    mixed = sessions(iris) | {"wild": begin(iris, "4 -> fc(4) -> relu -> fc(3)", wild).session}
    heard: list[str] = []
    assert Fleet(mixed, lambda name, event: heard.append(name) if isinstance(event, DivergedError) else None).train()
    assert heard == ["wild"]
    assert all(session.finished for name, session in mixed.items() if name != "wild")


def test_convolutions_of_large_images_are_trained_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    data = load("digits")
    said: list[str] = []
    recipe = dataclasses.replace(RECIPE, epochs=1, batch_size=64)
    text = "8x8x1 -> conv(4, 3x3, padding=same) -> relu -> conv(2, 3x3) -> flatten -> fc(10)"
    monkeypatch.setattr(fleet, "_LARGE_MAPS", 64 * 4 * 64 - 1)
    both = {str(seed): begin(data, text, dataclasses.replace(recipe, seed=seed)).session for seed in range(2)}
    assert Fleet(both, lambda *_: None, alone=said.append).train()
    assert "the convolution" in said[0]
    assert "16,384 numbers" in said[0]
    monkeypatch.setattr(fleet, "_LARGE_MAPS", 64 * 4 * 64)
    assert Fleet({name: begin(data, text, recipe).session for name in "ab"}, lambda *_: None, alone=said.append).train()
    assert len(said) == 1


@pytest.mark.parametrize("layer", ["lstm(6)", "lstm(3, bidirectional=yes)", "lstm(6, padded=yes)"])
def test_long_states_of_an_lstm_are_trained_one_after_the_other(layer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = load("digits")
    said: list[str] = []
    recipe = dataclasses.replace(RECIPE, epochs=1, batch_size=64)
    text = f"8x8x1 -> reshape(T=8 x 8) -> {layer} -> flatten -> fc(10)"
    monkeypatch.setattr(fleet, "_LARGE_STATES", 64 * 8 * 6 // 2)
    both = {name: begin(data, text, recipe).session for name in "ab"}
    assert Fleet(both, lambda *_: None, alone=said.append).train()
    assert "the LSTM" in said[0]
    monkeypatch.setattr(fleet, "_LARGE_STATES", 64 * 8 * 6)
    both = {name: begin(data, text, recipe).session for name in "ab"}
    assert Fleet(both, lambda *_: None, alone=said.append).train()
    assert len(said) == 1


def test_wide_layers_are_trained_one_after_the_other(iris: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    weights = 4 * 8 + 8 + 8 * 3 + 3
    monkeypatch.setattr(fleet, "_LARGE_CHAIN", weights - 1)
    both = {name: begin(iris, TEXTS["large"], RECIPE).session for name in "ab"}
    assert Fleet(both, lambda *_: None, alone=said.append).train()
    assert f"{weights} in fully connected layers" in said[0]
    monkeypatch.setattr(fleet, "_LARGE_CHAIN", weights)
    both = {name: begin(iris, TEXTS["large"], RECIPE).session for name in "ab"}
    assert Fleet(both, lambda *_: None, alone=said.append).train()
    assert len(said) == 1
