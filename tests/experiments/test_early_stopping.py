"""Descent on a linear model against torch's SGD and the closed form, and ridge against scikit-learn's."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from pellucid.experiments.claims.early_stopping import descend, ridge

pytestmark = pytest.mark.covers("C10")


def regression(seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(size=(30, 4)), random.normal(size=30)


def test_descent_is_torchs() -> None:
    x, y = regression(0)
    weights = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weights], lr=0.1)
    for _ in range(20):
        optimizer.zero_grad()
        torch.mean((torch.from_numpy(x) @ weights - torch.from_numpy(y)) ** 2).div(2).backward()
        optimizer.step()
    np.testing.assert_allclose(descend(x, y, 0.1, (5, 20))[1], weights.detach().numpy(), rtol=1e-12)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.integers(1, 200), st.floats(0.001, 0.3))
def test_each_eigenvector_keeps_its_share_of_least_squares(seed: int, steps: int, rate: float) -> None:
    x, y = regression(seed)
    curvatures, vectors = np.linalg.eigh(x.T @ x / len(y))
    wanted = (1 - (1 - rate * curvatures) ** steps) * (vectors.T @ np.linalg.lstsq(x, y, rcond=None)[0])
    np.testing.assert_allclose(vectors.T @ descend(x, y, rate, (steps,))[0], wanted, atol=1e-10)


def test_ridge_is_scikit_learns() -> None:
    x, y = regression(1)
    theirs = Ridge(alpha=0.3 * len(y), fit_intercept=False).fit(x, y)
    np.testing.assert_allclose(ridge(x, y, 0.3), theirs.coef_, rtol=1e-9)


def test_shares_of_slow_descent_and_ridge_are_never_further_apart_than_claimed() -> None:
    x = np.geomspace(1e-3, 1e3, 100_000)
    assert np.abs(1 - np.exp(-x) - x / (1 + x)).max() == pytest.approx(0.2036, abs=1e-4)
