"""Trials: drawn, trained together, halved; each is what it would be alone."""

import contextlib
import copy
import dataclasses
from pathlib import Path

import pytest

from pellucid.data import load
from pellucid.data.dataset import Dataset
from pellucid.errors import NotationError, OptionError
from pellucid.recipe import Recipe
from pellucid.training import begin, steps
from pellucid.tuning import Search, Space, Trial, ranked, search
from pellucid.tuning.search import rungs

RECIPE = Recipe(epochs=4, device="cpu", batch_size=64, threads=1)
ARROWS = "8x8x1 -> fc({8, 16}) -> relu -> dropout({0..0.3}) -> fc(10)"
RATES = "{1e-4..3e-2 log}"


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits")


@pytest.mark.parametrize(
    ("epochs", "trials", "share", "expected"),
    [
        (27, 30, 3, [1, 3, 9, 27]),
        (60, 64, 2, [1, 3, 7, 15, 30, 60]),
        (4, 100, 3, [1, 4]),
        (8, 1, 3, [8]),
        (8, 64, 1, [8]),
    ],
)
def test_rungs(epochs: int, trials: int, share: int, expected: list[int]) -> None:
    assert rungs(epochs, trials, share) == expected


def test_those_that_come_to_their_end_are_what_they_are_alone(digits: Dataset) -> None:
    space = Space.of({"network": ARROWS, "learning_rate": RATES})
    trials = search(digits, space, RECIPE, trials=8, share=2)
    finished = [trial for trial in trials if trial.came_to_its_end]
    assert 1 <= len(finished) < 8
    assert {trial.epochs for trial in finished} == {4}
    for trial in finished:
        recipe = dataclasses.replace(RECIPE, learning_rate=float(trial.texts["learning_rate"]))
        session = begin(digits, trial.texts["network"], recipe).session
        list(steps(session))
        assert session.progress.best == pytest.approx(trial.score, rel=1e-4)


def test_of_every_rung_the_better_half_goes_on(digits: Dataset) -> None:
    told: list[Trial] = []
    space = Space.of({"learning_rate": RATES})
    trials = search(digits, space, RECIPE, trials=8, share=2, tell=told.append)
    assert sorted(trial.number for trial in told) == list(range(8))
    counts = [sum(trial.epochs >= epoch for trial in trials) for epoch in (1, 2, 4)]
    assert counts == [8, 4, 2]
    last = [trial for trial in trials if trial.epochs == 4]
    assert all(trial.was_halved for trial in trials[len(last) :])
    assert trials[: len(last)] == last


def test_the_same_search_twice(digits: Dataset) -> None:
    space = Space.of({"network": ARROWS, "learning_rate": RATES})
    assert search(digits, space, RECIPE, trials=6) == search(digits, space, RECIPE, trials=6)


def test_it_finds_the_rate_that_learns(digits: Dataset) -> None:
    space = Space.of({"learning_rate": "{1e-6..3e-2 log}"})
    best, *_, worst = search(digits, space, RECIPE, trials=9)
    assert float(best.values["learning_rate"]) > 1e-3
    assert best.score[0] > worst.score[0] + 0.3


def test_what_diverges_or_does_not_fit_ends_alone(digits: Dataset) -> None:
    texts = {"network": "8x8x1 -> conv(4, {3x3, 9x9}) -> fc(10)", "learning_rate": "{1e-3, 1e9}", "optimizer": "sgd"}
    space = Space.of(texts)
    trials = search(digits, space, RECIPE, trials=12, share=1)
    assert all(trial.done for trial in trials)
    ended = {trial.ended.split(" in epoch")[0] for trial in trials}
    assert "training diverged" in ended
    assert len(ended) == 3  # not at all, diverged, and a kernel larger than the image
    assert not trials[0].ended


def test_what_is_refused(digits: Dataset) -> None:
    with pytest.raises(OptionError, match="no option 'learning'"):
        search(digits, Space.of({"learning": RATES}), RECIPE, trials=2)
    for trials, share in ((0, 3), (2, 0)):
        with pytest.raises(OptionError, match="at least 1"):
            search(digits, Space.of({"learning_rate": RATES}), RECIPE, trials=trials, share=share)
    with pytest.raises(NotationError, match="kernel"):
        search(digits, Space.of({"network": "8x8x1 -> conv({2, 4}, 9x9) -> fc(10)"}), RECIPE, trials=2)


def test_networks_that_cannot_be_trained_together_are_trained_alone() -> None:
    data = load("iris")
    space = Space.of({"network": "4 -> fc(3) -> step", "epochs": "{2..3}"})
    trials = search(data, space, Recipe(rule="perceptron", device="cpu"), trials=3, share=1)
    assert {trial.epochs for trial in trials} <= {1, 2, 3}
    assert not any(trial.ended for trial in trials)


class Killed(BaseException):
    """Stands for a process that is killed."""


@pytest.mark.parametrize("killed_at", [3, 11, 19])
def test_a_search_that_was_killed_goes_on_as_if_it_had_not_been(
    digits: Dataset, tmp_path: Path, killed_at: int
) -> None:
    space, saved = Space.of({"network": ARROWS, "learning_rate": RATES}), tmp_path / "trials.safetensors"
    whole = search(digits, space, RECIPE, trials=6, share=2)

    heard: list[Trial] = []

    def show(trial: Trial) -> None:
        heard.append(trial)
        if len(heard) == killed_at:
            raise Killed

    under_way = Search(digits, space, RECIPE, 6, share=2, show=show, checkpoint=saved, seconds=0.0)
    with contextlib.suppress(Killed):
        under_way.run()
    known = copy.deepcopy(under_way.trials)
    resumed = Search(digits, space, RECIPE, 6, share=2, checkpoint=saved, trials=known)
    assert resumed.run()
    for one, other in zip(ranked(list(resumed.trials.values())), whole, strict=True):
        assert (one.number, one.epochs, one.ended) == (other.number, other.epochs, other.ended)
        assert one.score == pytest.approx(other.score, rel=1e-4)
