"""How the load at which recall breaks down is read off and extrapolated, held against shares that are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.experiments.claims.hopfield_capacity import _LOADS, crossing, extrapolated

pytestmark = pytest.mark.covers("B8")


@given(st.floats(min(_LOADS) + 1e-6, max(_LOADS) - 1e-6))
def test_the_crossing_of_a_straight_line_is_where_it_crosses(load: float) -> None:
    shares = np.clip(0.5 - (np.array(_LOADS) - load), 0, 1)
    assert crossing(shares) == pytest.approx(load)


@given(st.floats(0.1, 0.2), st.floats(0.1, 2), st.sampled_from([0.5, 2 / 3, 1.0]))
def test_the_limit_of_a_law_is_found_from_the_law(limit: float, slope: float, power: float) -> None:
    sizes = (125, 250, 500)
    assert extrapolated(sizes, [limit + slope / size**power for size in sizes], power) == pytest.approx(limit)


def test_a_share_that_never_falls_is_extended_past_the_last_load() -> None:
    assert crossing(np.linspace(1, 0.6, len(_LOADS))) > max(_LOADS)
