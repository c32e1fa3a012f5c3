"""Simulated searches, held against expectations in closed form."""

import numpy as np
import pytest

from pellucid.experiments.claims.random_search import at_random, expected_best, explained, linearly, on_a_grid

pytestmark = pytest.mark.covers("C15")


def table_of_rates(rates: int = 100, decays: int = 100) -> np.ndarray:
    """Return a table in which the rate is all that matters: accuracy is its place."""
    accuracy = np.repeat((np.arange(rates) + 0.5)[:, None] / rates, decays, axis=1)
    return np.stack([accuracy, accuracy])


@pytest.mark.parametrize("budget", [4, 9, 25])
def test_the_best_of_random_trials_is_the_greatest_of_as_many_uniform_numbers(budget: int) -> None:
    found = expected_best(table_of_rates(), at_random(budget, np.random.default_rng(0)))
    assert found == pytest.approx(budget / (budget + 1), abs=0.015)


@pytest.mark.parametrize("side", [2, 3, 5])
def test_the_best_of_a_grid_is_in_the_middle_of_its_last_step(side: int) -> None:
    """It tries as many rates as it is wide, however many trials that takes."""
    places = on_a_grid(side**2, np.random.default_rng(0))
    assert all(len(np.unique(search[:, 0].round(9))) == side for search in places[:20])
    assert places.min() >= 0
    assert places.max() < 1
    assert expected_best(table_of_rates(), places) == pytest.approx(1 - 1 / (2 * side), abs=0.015)


def test_a_linear_scale_spends_nine_tenths_on_the_last_power_of_ten() -> None:
    places = linearly(25, np.random.default_rng(0))
    assert (places[..., 0] > 0.8).mean() == pytest.approx(0.9, abs=0.01)  # 0.0001 to 10 are five powers


def test_variance_is_shared_out_between_two_effects_that_add_up() -> None:
    table = np.arange(4.0)[:, None] + 3 * np.arange(4.0)
    assert explained(table, 0) == pytest.approx(0.1)
    assert explained(table, 1) == pytest.approx(0.9)
