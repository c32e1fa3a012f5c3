"""A change helps where the metric gains more than chance gives."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.judging.gain import gain

UNIT = st.floats(0, 1)
OPPOSITE = {"better": "worse", "worse": "better", "alike": "alike"}


@pytest.mark.parametrize(
    ("metric", "before", "after", "rows", "expected"),
    [
        ("accuracy", 0.90, 0.92, 1000, "better"),
        ("accuracy", 0.90, 0.905, 1000, "alike"),
        ("accuracy", 0.90, 0.92, 50, "alike"),  # of fifty rows that is a single one
        ("accuracy", 0.99, 0.994, 10_000, "better"),  # the nearer to 1, the less is asked
        ("accuracy", 0.52, 0.50, 359, "worse"),
        ("rmse", 2.0, 1.9, 50, "better"),
        ("rmse", 2.0, 1.97, 50, "alike"),
        ("rmse", 2.0, 2.1, 50, "worse"),
        ("rmse", math.nan, 100.0, 50, "better"),
        ("accuracy", 0.5, math.nan, 50, None),
    ],
)
def test_gain(metric: str, before: float, after: float, rows: int, expected: str | None) -> None:
    assert gain(metric, before, after, rows) == expected


@given(UNIT, UNIT, st.integers(1, 10_000))
def test_the_way_back_of_a_share_is_the_opposite(before: float, after: float, rows: int) -> None:
    there = gain("accuracy", before, after, rows)
    assert there is not None
    assert gain("accuracy", after, before, rows) == OPPOSITE[there]


@given(UNIT, st.integers(1, 10_000))
def test_nothing_is_no_gain(value: float, rows: int) -> None:
    assert gain("accuracy", value, value, rows) == "alike"
    assert gain("rmse", value, value, rows) == "alike"
