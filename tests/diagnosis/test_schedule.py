"""Which steps are measured, and how long an observer may rest in between."""

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.diagnosis.observer.listening import Listening, Sampling
from pellucid.diagnosis.observer.schedule import is_measured, rests_until
from pellucid.verbs.watched import THRIFTY

counts = st.integers(1, 300)


@given(st.integers(0, 100_000), counts, counts)
def test_nothing_is_missed_by_resting(step: int, dense: int, per_doubling: int) -> None:
    until = rests_until(step, dense, per_doubling)
    assert until > step
    assert not any(is_measured(each, dense, per_doubling) for each in range(step + 1, min(until, step + 2_000)))


@given(st.integers(8, 128), st.sampled_from([2, 4, 8, 16, 32]))
def test_their_number_grows_with_the_logarithm(dense: int, per_doubling: int) -> None:
    length = 64 * dense
    measured = sum(is_measured(step, dense, per_doubling) for step in range(length))
    assert measured <= dense + (per_doubling + 4) * log2(length / dense) + 4
    assert all(is_measured(step, dense, per_doubling) for step in range(dense))


def test_what_a_step_takes_is_known_at_every_step_and_from_the_beginning_again() -> None:
    sampling = Sampling(rows=(16, 8), figures=(16, 4), graphs=(4, 4), losses=(32, 16))
    listening = Listening(sampling=sampling)
    for step in [*range(2_000), *range(300)]:
        listening.at_step(step)
        assert listening.takes_rows == is_measured(step, *sampling.rows)
        assert listening.takes_graphs == is_measured(step, *sampling.graphs)
        assert listening.takes_figures == (listening.takes_rows and is_measured(step, *sampling.figures))
        assert listening.takes_losses == is_measured(step, *sampling.losses)
        assert listening.rests == (not listening.takes_rows and not listening.takes_graphs)


@pytest.mark.parametrize("sampling", [Sampling(), THRIFTY])
def test_figures_are_taken_at_steps_whose_rows_are(sampling: Sampling) -> None:
    figures = [step for step in range(50_000) if is_measured(step, *sampling.figures)]
    assert all(is_measured(step, *sampling.rows) for step in figures)
