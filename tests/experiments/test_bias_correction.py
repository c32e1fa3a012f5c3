"""Exponentially weighted averages against pandas' own and their closed forms."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.experiments.claims.bias_correction import averages

pytestmark = pytest.mark.covers("C9")

series = st.lists(st.floats(-100, 100), min_size=1, max_size=60).map(np.asarray)
betas = st.floats(0.0, 0.99)


@given(series, betas)
def test_the_corrected_average_is_pandas_adjusted_one(values: np.ndarray, beta: float) -> None:
    expected = pd.Series(values).ewm(alpha=1 - beta, adjust=True).mean().to_numpy()
    np.testing.assert_allclose(averages(values, beta)[1], expected, rtol=1e-9, atol=1e-9)


@given(series, betas)
def test_the_plain_average_is_the_weighted_sum(values: np.ndarray, beta: float) -> None:
    plain = averages(values, beta)[0]
    for place in (0, len(values) - 1):
        weights = (1 - beta) * beta ** np.arange(place, -1, -1, dtype=float)
        assert plain[place] == pytest.approx(float(weights @ values[: place + 1]), abs=1e-9)


@pytest.mark.parametrize("beta", [0.9, 0.98, 0.999])
def test_the_weight_at_the_window_is_about_a_third(beta: float) -> None:
    window = round(1 / (1 - beta))
    assert beta**window == pytest.approx(1 / math.e, abs=0.02)
