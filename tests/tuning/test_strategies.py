"""Strategies: where the next trials are drawn, held against what each promises."""

import math
from collections.abc import Sequence
from typing import get_args

import pytest

from pellucid.errors import OptionError
from pellucid.tuning import Space, StrategyName, Trial
from pellucid.tuning.strategies import CoarseToFine, Random, Strategy, strategy_for

SPACE = Space.of({"learning_rate": "{1e-5..1 log}", "momentum": "{0..0.99}", "schedule": "{linear, cosine, step}"})
BEST_PLACE = 0.7
NAMES: tuple[StrategyName, ...] = get_args(StrategyName)


def quality(places: Sequence[float]) -> float:
    """A bowl in the first parameter, nothing in the second, the last choice worse than the others."""
    return -((places[0] - BEST_PLACE) ** 2) - 0.3 * (places[2] > 2 / 3)


def told(number: int, places: tuple[float, ...]) -> Trial:
    trial = Trial(number, places, SPACE.values(places), SPACE.at(places), planned=1, done=True)
    trial.take_in((quality(places), 0.0), {})
    return trial


def tried(strategy: Strategy, count: int) -> list[list[Trial]]:
    """Play a search of so many trials, round by round."""
    rounds: list[list[Trial]] = []
    first = 0
    for size in strategy.rounds(count):
        drawn = [told(first + at, places) for at, places in enumerate(strategy.ask(first, size))]
        strategy.tell(drawn)
        rounds.append(drawn)
        first += size
    return rounds


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [1, 7, 40])
def test_every_trial_is_drawn_once_within_the_space(name: StrategyName, count: int) -> None:
    trials = [trial for each in tried(strategy_for(name, SPACE, 0), count) for trial in each]
    assert [trial.number for trial in trials] == list(range(count))
    assert all(0 <= place <= 1 for trial in trials for place in trial.places)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_and_results_give_the_same_draws(name: StrategyName) -> None:
    first, second, other = (tried(strategy_for(name, SPACE, seed), 24) for seed in (0, 0, 1))
    assert first == second != other


@pytest.mark.parametrize("name", ["coarse-to-fine", "tpe", pytest.param("gp", marks=pytest.mark.slow)])
def test_later_trials_lie_nearer_to_the_best(name: StrategyName) -> None:
    nearer = []
    for seed in range(5):
        rounds = tried(strategy_for(name, SPACE, seed), 48)
        means = [sum(quality(trial.places) for trial in each) / len(each) for each in (rounds[0], rounds[-1])]
        nearer.append(means[1] > means[0])
    assert all(nearer)


@pytest.mark.covers("C15")
def test_random_draws_fill_each_parameter_evenly() -> None:
    (drawn,) = tried(Random(SPACE, 3), 900)
    rates = [math.log10(float(trial.values["learning_rate"])) for trial in drawn]
    assert sum(-5 <= rate < -2.5 for rate in rates) == pytest.approx(450, abs=60)  # 4 standard deviations
    schedules = [trial.values["schedule"] for trial in drawn]
    assert all(schedules.count(name) == pytest.approx(300, abs=57) for name in ("linear", "cosine", "step"))


def test_a_trial_is_a_function_of_the_seed_and_its_number() -> None:
    assert Random(SPACE, 0).ask(0, 3) == Random(SPACE, 0).ask(0, 5)[:3]
    assert Random(SPACE, 1).ask(0, 3) != Random(SPACE, 0).ask(0, 3)


@pytest.mark.covers("C15")
def test_coarse_to_fine_keeps_to_the_box_of_the_best_quarter() -> None:
    first, second, third = tried(CoarseToFine(SPACE, 0), 80)
    assert [len(each) for each in (first, second, third)] == [40, 20, 20]
    best = sorted(first, key=lambda trial: -quality(trial.places))[:10]
    low, high = (end(trial.places[0] for trial in best) for end in (min, max))
    margin = 0.1 * (high - low)
    assert all(low - margin <= trial.places[0] <= high + margin for trial in second)
    assert {trial.values["schedule"] for trial in second} <= {trial.values["schedule"] for trial in best}


def test_what_is_unknown_is_refused() -> None:
    with pytest.raises(OptionError, match="no strategy 'grid'"):
        strategy_for("grid", SPACE, 0)  # type: ignore[arg-type]
