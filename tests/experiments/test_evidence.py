"""What decides a statement, held against SciPy's own tests and against what it promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pellucid.experiments import Check
from pellucid.experiments.evidence import above, alike, below, counted, exact, greater, times

samples = st.lists(st.floats(-100, 100), min_size=5, max_size=12).filter(lambda values: np.std(values) > 1e-3)


@given(samples, st.integers(0, 2**31))
def test_greater_is_the_paired_t_test(first: list[float], seed: int) -> None:
    second = (np.asarray(first) + np.random.default_rng(seed).normal(0, 5, len(first))).tolist()
    p = stats.ttest_rel(first, second).pvalue
    mean = np.mean(first) - np.mean(second)
    expected = None if p > 0.05 else bool(mean > 0)
    assert greater("", first, second).holds is expected


@given(samples, st.floats(-100, 100))
def test_above_and_below_are_the_one_sample_test(sample: list[float], bound: float) -> None:
    p = stats.ttest_1samp(sample, bound).pvalue
    expected = None if p > 0.05 else bool(np.mean(sample) > bound)
    assert above("", sample, bound).holds is expected
    assert below("", sample, bound).holds is (None if expected is None else not expected)


def test_times_is_of_ratios() -> None:
    second = [1e-6, 2e-3, 5.0, 40.0, 1e4]
    assert times("", [11 * value for value in second], second, at_least=10).holds is True
    assert times("", [9 * value for value in second], second, at_least=10).holds is False
    assert times("", [value**1.1 for value in second], second).holds is None


def test_what_is_infinitely_more_is_more() -> None:
    assert times("", [1.0] * 5, [0.0] * 5, at_least=1e9).holds is True


def test_alike_needs_a_narrow_interval_and_not_just_no_difference() -> None:
    assert alike("", [1.0, 1.1, 0.9, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.05], within=0.2).holds is True
    assert alike("", [0.0, 5.0, -5.0, 3.0, -3.0], [0.0] * 5, within=0.2).holds is None
    assert alike("", [2.0, 2.1, 1.9, 2.0, 2.0], [1.0] * 5, within=0.2).holds is False


def test_exact_and_counted() -> None:
    assert exact("", [1.0, 1.0 + 1e-9], 1.0, tolerance=1e-8).holds is True
    assert exact("", [1.0, 1.1], 1.0, tolerance=1e-8).holds is False
    assert counted("", 5, 5) == Check("", True, "in 5 of 5 cases")
    assert counted("", 4, 5).holds is False


def test_shares_are_written_in_percent_and_their_differences_in_points() -> None:
    check = greater("", [0.9, 0.92, 0.91, 0.9, 0.93], [0.5, 0.51, 0.5, 0.52, 0.5], by=0.1, share=True)
    assert check.holds is True
    assert check.evidence.startswith("91.2 % against 50.6 %; the difference is 40.6 points (95 % interval 38.")
    assert check.evidence.endswith(" points), wanted more than 10 points")


@pytest.mark.parametrize("values", [[1.0] * 5, [float("inf")] * 5])
def test_what_does_not_vary_decides(values: list[float]) -> None:
    assert above("", values, 0.5).holds is True
