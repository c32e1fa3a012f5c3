"""Confidence intervals against SciPy, closed forms, and their own promise: 95 of 100 hold the truth."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from pellucid.judging.intervals import auc_interval, paired_difference, percentile, student_quantile, wilson


@given(st.integers(1, 2_000), st.floats(0, 1))
def test_wilson_is_scipys(samples: int, share: float) -> None:
    hits = round(share * samples)
    found, reference = wilson(hits, samples), stats.binomtest(hits, samples).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high), abs=1e-9)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_of_no_samples_nothing_is_known() -> None:
    found = wilson(0, 0)
    assert math.isnan(found.value)
    assert (found.low, found.high) == (0, 1)


@pytest.mark.parametrize("freedom", [1, 2, 3, 5, 10, 29, 1000])
def test_students_quantile_is_scipys(freedom: int) -> None:
    assert student_quantile(freedom) == pytest.approx(stats.t(freedom).ppf(0.975), rel=5e-3)


def test_a_percentile_interval_holds_the_mean_more_often_than_a_plain_one() -> None:
    random, held, plain = np.random.default_rng(0), 0, 0
    for _ in range(800):
        drawn = random.normal(size=8)
        means = random.choice(drawn, (1_000, 8)).mean(1)
        found = percentile(float(drawn.mean()), means, 8)
        held += found.low <= 0 <= found.high
        low, high = np.quantile(means, [0.025, 0.975])
        plain += low <= 0 <= high
    assert plain / 800 < 0.90
    assert 0.925 <= held / 800 <= 0.975


def test_a_percentile_interval_of_what_is_hardly_defined_is_none() -> None:
    assert math.isnan(percentile(1.0, np.array([1.0, np.nan, np.nan]), 30).low)
    assert math.isnan(percentile(1.0, np.ones(10), 1).high)


def test_the_interval_of_an_auc_holds_it_as_often_as_it_says() -> None:
    random, held, shift = np.random.default_rng(0), 0, 1.5
    truth = stats.norm.cdf(shift / math.sqrt(2))
    for _ in range(300):
        scores = np.concatenate([random.normal(shift, size=25), random.normal(size=60)])
        auc = float(roc_auc_score(np.arange(85) < 25, scores))
        found = auc_interval(auc, 25, 60)
        held += found.low <= truth <= found.high
    assert 0.92 <= held / 300 <= 0.99


@given(st.floats(0, 1), st.integers(1, 500), st.integers(1, 500))
def test_the_interval_of_an_auc_has_a_width_even_at_its_ends(auc: float, positives: int, negatives: int) -> None:
    found = auc_interval(auc, positives, negatives)
    assert 0 <= found.low <= auc <= found.high <= 1
    assert found.high - found.low > 0


def test_a_paired_difference_holds_it_as_often_as_it_says() -> None:
    random, held = np.random.default_rng(0), 0
    for _ in range(600):
        kinds = random.choice(3, size=60, p=[0.15, 0.05, 0.80])
        found = paired_difference(int((kinds == 0).sum()), int((kinds == 1).sum()), 60)
        held += found.low <= 0.10 <= found.high
    assert 0.93 <= held / 600 <= 0.98
