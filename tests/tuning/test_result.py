"""What a search found, held against searches whose answer is known."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from pellucid.report.search_text import gain_lines
from pellucid.tuning import UNTUNED, Replicate, SearchResult, Space, Trial
from pellucid.tuning.trial import ranked

SPACE = Space.of({"learning_rate": "{1e-4..1e-1 log}", "momentum": "{0..0.99}", "batch_size": "{16, 32, 64}"})


def trials(count: int, weights: tuple[float, float, float], noise: float = 0.0) -> list[Trial]:
    """Trials whose accuracy is a weighted sum of where they were drawn."""
    stream, made = np.random.default_rng(0), []
    for number in range(count):
        places = tuple(stream.random(3).tolist())
        accuracy = float(np.dot(weights, places) + noise * stream.standard_normal())
        trial = Trial(number, places, SPACE.values(places), SPACE.at(places), planned=1, done=True)
        trial.take_in((accuracy, 0.0), {"accuracy": accuracy})
        made.append(trial)
    return ranked(made)


def replicates(name: str, values: Sequence[float | None]) -> list[Replicate]:
    return [
        Replicate(name, seed) if value is None else Replicate(name, seed, (value, 0.0), {"accuracy": value})
        for seed, value in enumerate(values, 1)
    ]


def result(*each: list[Replicate], winner: str | None = None, higher_is_better: bool = True) -> SearchResult:
    return SearchResult(SPACE, "accuracy", higher_is_better, [], [one for some in each for one in some], winner)


def test_the_candidate_of_the_best_mean_wins_and_one_that_diverges_does_not() -> None:
    found = result(
        replicates("1", [0.8, 0.9, 0.85]), replicates("2", [0.99, 0.99, None]), replicates(UNTUNED, [0.7, 0.7, 0.7])
    )
    assert [each.name for each in found.candidates()] == ["1", UNTUNED, "2"]
    assert found.best_candidate() == "1"
    assert found.candidates()[2].lost == (3,)


def test_of_equal_means_the_smaller_loss_decides() -> None:
    surer, other = ([Replicate(name, 1, (1.0, -loss), {"accuracy": 1.0})] for name, loss in (("3", 0.1), ("1", 0.2)))
    assert result(other, surer).best_candidate() == "3"


def test_of_equals_no_search_stands_first() -> None:
    assert result(replicates("1", [0.5, 0.6]), replicates(UNTUNED, [0.5, 0.6])).best_candidate() == UNTUNED


def test_the_gain_is_the_paired_interval_of_student() -> None:
    own, other = [0.91, 0.95, 0.93, 0.96], [0.90, 0.93, 0.93, 0.92]
    gain = result(replicates("1", own), replicates("2", other)).gain("1", "2")
    assert gain is not None
    interval = stats.ttest_rel(own, other).confidence_interval(0.95)
    assert (gain.low, gain.high) == pytest.approx((interval.low, interval.high), abs=1e-12)
    assert result(replicates("1", [0.9]), replicates("2", [0.8])).gain("1", "2") is None


def test_importance_finds_what_the_metric_hangs_on() -> None:
    shares = SearchResult(SPACE, "accuracy", True, trials(64, (1.0, 0.3, 0.0))).importances()
    assert shares is not None
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["learning_rate"] > 2 * shares["momentum"] > 2 * shares["batch_size"]


def test_importance_is_not_said_of_luck_or_of_few_trials() -> None:
    assert SearchResult(SPACE, "accuracy", True, trials(64, (0, 0, 0), noise=1.0)).importances() is None
    assert SearchResult(SPACE, "accuracy", True, trials(8, (1.0, 0, 0))).importances() is None


@pytest.mark.parametrize(
    ("own", "told"),
    [
        (
            [0.85, 0.85],
            "better than what pellucid chooses without a search by 2.5 points (with each seed): that may be luck",
        ),
        ([0.85, 0.855, 0.85], "better than what pellucid chooses without a search by 2.67 points (1.95 to 3.38)"),
        ([0.85, 0.80, 0.85], ": that may be luck"),
    ],
)
def test_a_gain_is_sure_where_it_varies_and_stays_above_nothing(own: list[float], told: str) -> None:
    (line,) = gain_lines(result(replicates("1", own), replicates(UNTUNED, [0.825] * len(own)), winner="1"))
    assert line.endswith(told)
