"""Spaces written into arrows and options: what they hold, how it is drawn, and what is refused."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pellucid.errors import NotationError
from pellucid.networks import parse
from pellucid.tuning import Parameter, Space

PLACES = st.floats(0, 1)
ARROWS = (
    "8x8x1 -> conv({8..64 log}, {3x3, 5x5}) -> {relu, gelu} -> fc({width: 16..128 step 16}) -> fc({width})"
    " -> dropout({0..0.6}) -> fc(10)"
)


def test_every_drawn_text_is_arrows() -> None:
    space = Space.of({"network": ARROWS, "learning_rate": "{1e-4..1e-1 log}"})
    assert [one.name for one in space.parameters] == ["conv", "conv 2", "word", "width", "dropout", "learning_rate"]
    for place in (0.0, 0.3, 0.7, 1.0):
        drawn = space.at([place] * 6)
        parse(drawn["network"])
        assert "{" not in drawn["network"]
        assert 1e-4 <= float(drawn["learning_rate"]) <= 1e-1
    assert space.at([0.5] * 6)["network"].count("fc(80)") == 2  # the same value under one name


@given(PLACES)
def test_values_stay_between_the_ends(place: float) -> None:
    (one,) = Space.of({"a": "{3..7}"}).parameters
    assert one.at(place) in {"3", "4", "5", "6", "7"}
    (one,) = Space.of({"a": "{1e-5..3 log}"}).parameters
    assert 1e-5 <= float(one.at(place)) <= 3
    (one,) = Space.of({"a": "{0..1 step 0.25}"}).parameters
    assert float(one.at(place)) in {0, 0.25, 0.5, 0.75, 1}
    (one,) = Space.of({"a": "{1..300 log}"}).parameters
    assert 1 <= int(one.at(place)) <= 300


def evenly(parameter: Parameter, count: int = 4_000) -> list[str]:
    return [parameter.at((at + 0.5) / count) for at in range(count)]


def test_scales() -> None:
    (linear,) = Space.of({"a": "{0.5..2.5}"}).parameters
    assert stats.kstest([float(value) for value in evenly(linear)], stats.uniform(0.5, 2).cdf).pvalue > 0.99
    (log,) = Space.of({"a": "{1e-3..1 log}"}).parameters
    assert stats.kstest([float(value) for value in evenly(log)], stats.loguniform(1e-3, 1).cdf).pvalue > 0.99
    (whole,) = Space.of({"a": "{2..5}"}).parameters
    assert Counter(evenly(whole)) == dict.fromkeys("2345", 1_000)
    (choice,) = Space.of({"a": "{x, y}"}).parameters
    assert Counter(evenly(choice)) == {"x": 2_000, "y": 2_000}


def test_whole_numbers_on_a_logarithmic_scale_are_drawn_as_often_as_their_share_of_it() -> None:
    (one,) = Space.of({"a": "{1..8 log}"}).parameters
    counts = Counter(evenly(one))
    for value in range(1, 9):
        share = math.log((value + 0.5) / (value - 0.5)) / math.log(8.5 / 0.5)
        assert counts[str(value)] == pytest.approx(4_000 * share, abs=2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fc(64) -> fc(10)", "nothing to search for"),
        ("fc({64..64})", "empty"),
        ("fc({64..32 log})", "empty"),
        ("dropout({0..0.5 log})", "no 0"),
        ("fc({8..64 step 0})", "step"),
        ("fc({8..64 step 100})", "step"),
        ("fc({})", "cannot be read"),
        ("{relu, }", "cannot be read"),
        ("fc({8...64})", "cannot be read"),
        ("fc({w: 8..64}) -> fc({w: 8..32})", "named twice"),
        ("fc({8..64}) -> fc({width})", "nothing is called 'width'"),
    ],
)
def test_what_is_refused(text: str, said: str) -> None:
    with pytest.raises(NotationError, match=said):
        Space.of({"network": text})


def test_equal_words_are_told_apart() -> None:
    arrows = "4 -> fc({8..16}) -> fc({8..16}, bias={yes, no}) -> fc(3)"
    space = Space.of({"network": arrows, "optimizer": "{adamw, sgd}"})
    assert [one.name for one in space.parameters] == ["fc", "fc 2", "fc.bias", "optimizer"]
