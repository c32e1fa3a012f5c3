"""Two networks on the same rows: tests against SciPy, statements in words, and how often they cry wolf."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import f1_score

from pellucid.errors import DataError, OptionError
from pellucid.judging.comparison import compare, require_same_task
from pellucid.judging.outputs import Outputs
from pellucid.judging.significance import binomial_p, class_test, metric_test
from tests.judging.making import class_outputs, class_task, text_task, value_outputs, value_task


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemars_p_is_scipys(first: int, second: int) -> None:
    if first + second:
        assert binomial_p(first, first + second) == pytest.approx(stats.binomtest(first, first + second).pvalue)
    assert binomial_p(0, 0) == 1.0


def test_accuracies_are_compared_on_the_rows_they_differ_on() -> None:
    truth = np.zeros(200, np.int64)
    first, second = truth.copy(), truth.copy()
    first[:6], second[3:20] = 1, 1  # both wrong on 3, only the second on 14, only the first on 3
    found = class_test(class_outputs(truth, first), class_outputs(truth, second))
    assert (found.only_first, found.only_second) == (14, 3)
    assert found.p == pytest.approx(stats.binomtest(3, 17).pvalue)
    assert found.difference.value == pytest.approx(11 / 200)
    assert found.difference.low > 0


def test_a_permutation_test_is_scipys() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=80)
    first, second = (value_outputs(truth, truth + random.normal(0, spread, 80)) for spread in (1.0, 1.3))
    found = metric_test(first, second, value_task())
    gaps = first.losses - second.losses
    reference = stats.permutation_test(
        (gaps,), np.mean, permutation_type="samples", n_resamples=9_999, random_state=np.random.default_rng(1)
    )
    assert found.p == pytest.approx(reference.pvalue, abs=0.015)
    assert found.better
    assert found.difference.value == pytest.approx(gaps.mean(), rel=1e-5)


def test_f1_is_compared_by_exchanging_what_was_said() -> None:
    """On eight rows all 256 exchanges can be made."""
    truth = np.array([0, 0, 0, 1, 1, 1, 0, 1])
    first, second = np.array([0, 0, 0, 1, 1, 1, 1, 1]), np.array([1, 0, 1, 0, 1, 1, 0, 0])
    task = class_task(2, "f1")

    def gap(exchanged: np.typing.NDArray[np.bool_]) -> float:
        one, other = np.where(exchanged, second, first), np.where(exchanged, first, second)
        return float(abs(f1_score(truth, one, average="macro") - f1_score(truth, other, average="macro")))

    seen = gap(np.zeros(8, bool))
    every = [gap(np.array(which)) >= seen - 1e-12 for which in itertools.product([False, True], repeat=8)]
    found = metric_test(class_outputs(truth, first), class_outputs(truth, second), task)
    assert found.p == pytest.approx(np.mean(every), abs=0.02)


@pytest.mark.parametrize("forecast", [False, True])
def test_alike_networks_are_rarely_said_to_differ(forecast: bool) -> None:
    random, found = np.random.default_rng(0), 0
    task = value_task(forecast=forecast)
    for _ in range(60):
        truth = random.normal(size=60)
        first, second = (value_outputs(truth, truth + random.normal(size=60)) for _ in range(2))
        found += metric_test(first, second, task).p < 0.05
    assert found <= 8


def test_a_network_is_as_good_as_itself() -> None:
    truth = np.random.default_rng(0).normal(size=40)
    outputs = value_outputs(truth, truth + 1)
    found = compare(("a", "b"), outputs, outputs, value_task())
    assert (found.p, found.better, found.difference.value) == (1.0, None, 0.0)
    assert found.statement.startswith("No difference is shown between a and b: mse 1 against 1")


def wrong_on(rows: int, of: int = 400) -> Outputs:
    truth = np.zeros(of, np.int64)
    predicted = truth.copy()
    predicted[:rows] = 1
    return class_outputs(truth, predicted)


def test_the_better_one_is_named_first_whichever_it_is() -> None:
    found = compare(("small", "large"), wrong_on(40), wrong_on(9), class_task())
    # b' = 32 / 402, c' = 1 / 402: 0.0771 ± 1.96 · √((0.0821 - 0.0771²) / 402) = 0.0771 ± 0.0270
    assert found.better == "large"
    assert found.statement == (
        "large is better than small: accuracy 97.8 % against 90.0 %, difference 7.8 points (5.0 to 10.4), "
        "McNemar p < 0.001."
    )
    assert found.difference.value == pytest.approx(-31 / 400)
    assert (found.only_first, found.only_second) == (0, 31)


def test_what_cannot_be_told_from_chance_is_said_so() -> None:
    found = compare(("a", "b"), wrong_on(9), wrong_on(11), class_task())
    assert found.better is None
    assert "No difference is shown between a and b: accuracy 97.8 % against 97.2 %" in found.statement
    assert "On 400 rows one of less than about" in found.statement


def test_other_rows_cannot_be_compared() -> None:
    first, second = wrong_on(5), wrong_on(5, of=300)
    with pytest.raises(DataError, match="on the same rows only"):
        compare(("a", "b"), first, second, class_task())
    other = class_outputs(np.ones(400, np.int64), np.ones(400, np.int64))
    with pytest.raises(DataError, match="other rows or targets"):
        compare(("a", "b"), first, other, class_task())


def test_other_tasks_cannot_be_compared() -> None:
    with pytest.raises(OptionError, match="learned different things"):
        require_same_task(("a", "b"), class_task(2), class_task(3))
    with pytest.raises(OptionError, match="learned different things"):
        require_same_task(("a", "b"), value_task(), text_task())
    require_same_task(("a", "b"), text_task(), text_task())
