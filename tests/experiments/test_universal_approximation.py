"""Units set by hand: the polygon against numpy's interpolation, both against their bounds on other functions."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pellucid.experiments.claims.universal_approximation import (
    Waves,
    polygon,
    polygon_bound,
    staircase,
    staircase_bound,
)

pytestmark = pytest.mark.covers("A16")
X = np.linspace(-1, 1, 3001)


@given(units=st.integers(1, 60), seed=st.integers(0, 99))
def test_the_polygon_is_linear_interpolation(units: int, seed: int) -> None:
    f, nodes = Waves.draw(seed), np.linspace(-1, 1, units + 1)
    np.testing.assert_allclose(polygon(f, units, X), np.interp(X, nodes, f(nodes)), atol=1e-9)


@pytest.mark.parametrize(("f", "slope", "bend"), [(np.sin, 1.0, 1.0), (np.exp, np.e, np.e), (np.square, 2.0, 2.0)])
@pytest.mark.parametrize("units", [1, 3, 20, 200])
def test_no_error_is_beyond_its_bound(
    f: Callable[[NDArray[np.float64]], NDArray[np.float64]], slope: float, bend: float, units: int
) -> None:
    assert np.abs(staircase(f, units, X) - f(X)).max() <= staircase_bound(slope, units)
    assert np.abs(polygon(f, units, X) - f(X)).max() <= polygon_bound(bend, units) + 1e-12


def test_the_bound_of_the_polygon_is_reached_by_a_parabola() -> None:
    assert np.abs(polygon(np.square, 2, X) - X**2).max() == pytest.approx(polygon_bound(2, 2), rel=1e-3)


def test_slope_and_bend_bound_the_differences() -> None:
    f = Waves.draw(3)
    assert np.abs(np.gradient(f(X), X)).max() <= f.slope()
    assert np.abs(np.diff(f(X), 2)).max() / (X[1] - X[0]) ** 2 <= f.bend()
