"""How epochs to an error are counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.experiments.claims.relu_speed import epochs_to

pytestmark = pytest.mark.covers("A5", "D7")


@given(st.floats(0.01, 0.4), st.floats(0.5, 0.99))
def test_between_two_epochs_it_is_a_straight_line(low: float, high: float) -> None:
    assert epochs_to([0.99, high, low, low / 2], (high + low) / 2) == pytest.approx(1.5, abs=1e-6)


def test_only_the_first_time_counts_and_what_never_comes_takes_for_ever() -> None:
    assert epochs_to([0.9, 0.5, 0.1, 0.6, 0.1], 0.1) == 2
    assert epochs_to([0.9, 0.5], 0.95) == 0
    assert epochs_to([0.9, 0.5], 0.25) == float("inf")
