"""The closed form of descent against descent itself, and scaled inputs against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

from pellucid.experiments.claims.input_scaling import scaled
from pellucid.experiments.linear_descent import linear_descent, with_bias


@given(st.integers(0, 1000), st.integers(0, 60))
def test_the_excess_is_that_of_taking_the_steps(seed: int, steps: int) -> None:
    draw = np.random.default_rng(seed)
    x, y = with_bias(draw.normal(size=(20, 3)) * [1, 2, 3]), draw.normal(size=20)
    descent = linear_descent(x, y)
    best = np.linalg.lstsq(x, y, rcond=None)[0]

    def loss(w: np.ndarray) -> float:
        return float(((x @ w - y) ** 2).mean() / 2)

    w = np.zeros(4)
    for _ in range(steps):
        w -= descent.best_rate * x.T @ (x @ w - y) / len(y)
    assert descent.excess(steps) == pytest.approx(loss(w) - loss(best), abs=1e-10)
    assert descent.condition == pytest.approx(np.linalg.cond(x.T @ x), rel=1e-6)


@given(st.integers(0, 1000), st.floats(1e-6, 0.9))
def test_the_steps_to_a_share_are_the_fewest(seed: int, share: float) -> None:
    draw = np.random.default_rng(seed)
    descent = linear_descent(draw.normal(size=(20, 3)), draw.normal(size=20))
    steps = descent.steps_to(share)
    assert descent.excess(steps) <= share * descent.excess(0) < descent.excess(steps - 1)


@pytest.mark.covers("D7", "C12")
def test_only_the_deviation_gives_variance_one() -> None:
    raw = load_wine().data
    by_deviation, by_variance = scaled(raw).values()
    np.testing.assert_allclose(by_deviation, StandardScaler().fit_transform(raw))
    np.testing.assert_allclose(by_variance.var(0), 1 / raw.var(0))
