"""Thresholds chosen for a goal against trying them all, and what they do against scikit-learn."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from pellucid.errors import OptionError
from pellucid.judging.judgement import Operating
from pellucid.judging.threshold import Scores, choose, operate, read_goal, threshold_choice
from tests.judging.making import binary_outputs


def drawn(seed: int, samples: int, digits: int = 2) -> Scores:
    """Return scores with ties, higher for the positive third."""
    random = np.random.default_rng(seed)
    positive = random.random(samples) < 0.3
    positive[:2] = [True, False]
    probability = np.clip(random.normal(0.35 + 0.3 * positive, 0.2), 0, 1).round(digits)
    return Scores.of(binary_outputs(positive, probability), 1)


def false_alarms(scores: Scores, threshold: float) -> int:
    return int(((scores.probability >= threshold) & ~scores.positive).sum())


def missed(scores: Scores, threshold: float) -> int:
    return int(((scores.probability < threshold) & scores.positive).sum())


def balanced(scores: Scores, threshold: float) -> float:
    said = scores.probability >= threshold
    return float(said[scores.positive].mean() - said[~scores.positive].mean())


Merit = Callable[[Scores, float], float]
MERITS: dict[str, Merit] = {
    "f1": lambda scores, t: operate(scores, t).f1,
    "balanced": balanced,
    "cost 5": lambda scores, t: -(5 * missed(scores, t) + false_alarms(scores, t)),
    "cost 0.2": lambda scores, t: -(0.2 * missed(scores, t) + false_alarms(scores, t)),
    "recall 0.9": lambda scores, t: operate(scores, t).precision if operate(scores, t).recall >= 0.9 else -1.0,
    "precision 0.8": lambda scores, t: operate(scores, t).recall if operate(scores, t).precision >= 0.8 else -1.0,
}


@pytest.mark.covers("D1")
@pytest.mark.parametrize("goal", MERITS)
@given(st.integers(0, 10_000), st.integers(2, 60))
def test_no_threshold_meets_a_goal_better(goal: str, seed: int, samples: int) -> None:
    scores, merit = drawn(seed, samples), MERITS[goal]
    chosen = choose(scores, read_goal(goal))
    assert 0 <= chosen <= 1
    best = max(merit(scores, threshold) for threshold in np.linspace(0, 1, 401).tolist())
    # where no threshold has what is asked for, that goal is as far off for all
    if best > -1:
        assert merit(scores, chosen) == pytest.approx(best)


def test_where_no_threshold_is_precise_enough_the_most_precise_is_taken() -> None:
    positive = np.array([True, False, True, False, False, False])
    scores = Scores.of(binary_outputs(positive, np.array([0.8, 0.9, 0.7, 0.6, 0.2, 0.1])), 1)
    assert operate(scores, choose(scores, read_goal("precision 0.99"))).precision == pytest.approx(2 / 3)


@pytest.mark.covers("D1")
@given(st.integers(0, 10_000), st.floats(0, 1))
def test_what_a_threshold_does_is_scikit_learns(seed: int, threshold: float) -> None:
    scores = drawn(seed, 80)
    found, said = operate(scores, threshold), scores.probability >= threshold
    expected = Operating(
        threshold,
        reference.accuracy_score(scores.positive, said),
        reference.precision_score(scores.positive, said, zero_division=0.0),
        reference.recall_score(scores.positive, said),
        reference.f1_score(scores.positive, said, zero_division=0.0),
    )
    for name in ("accuracy", "precision", "recall", "f1"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name))


@pytest.mark.covers("D1")
def test_areas_are_scikit_learns_and_the_choice_is_judged_on_other_rows() -> None:
    judged, choosing = drawn(1, 300, digits=3), drawn(2, 300, digits=3)
    found = threshold_choice(judged, choosing, "validation", read_goal("f1"), "yes")
    assert found.auc.value == pytest.approx(reference.roc_auc_score(judged.positive, judged.probability))
    average = reference.average_precision_score(judged.positive, judged.probability)
    assert found.average_precision.value == pytest.approx(average)
    assert found.auc.low < found.auc.value < found.auc.high
    assert found.chosen == operate(judged, choose(choosing, read_goal("f1")))
    assert found.usual == operate(judged, 0.5)
    thresholds = [point.threshold for point in found.curve]
    assert thresholds == sorted(set(thresholds))
    assert 50 < len(thresholds) <= 100
    assert found.curve[0].recall == 1.0


def test_a_threshold_is_the_shortest_number_that_does() -> None:
    positive = np.array([False, False, True, True])
    scores = Scores.of(binary_outputs(positive, np.array([0.1234567, 0.2999999, 0.3123456, 0.9])), 1)
    assert choose(scores, read_goal("f1")) == 0.3 or choose(scores, read_goal("f1")) == 0.31
    near = Scores.of(binary_outputs(positive, np.array([0.1, 0.31231, 0.31239, 0.9])), 1)
    assert choose(near, read_goal("f1")) == 0.31232


def test_of_one_class_only_no_area_is_known() -> None:
    scores = Scores.of(binary_outputs(np.zeros(4, bool), np.array([0.1, 0.2, 0.3, 0.4])), 1)
    found = threshold_choice(scores, scores, "test", read_goal("f1"), "yes")
    assert np.isnan(found.auc.value)
    assert np.isnan(found.average_precision.value)


@pytest.mark.parametrize(
    "text", ["", "f2", "recall", "recall 0", "recall 1.5", "cost -1", "cost nan", "f1 0.5", "cost inf"]
)
def test_an_unknown_goal_is_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(OptionError, match=r"recall 0\.9 \(most precision with at least that recall\)"):
        read_goal(text)


@pytest.mark.parametrize(("text", "said"), [("Recall 0.90", "recall 0.9"), ("cost=5", "cost 5"), ("F1", "f1")])
def test_goals_are_read_as_people_write_them(text: str, said: str) -> None:
    assert str(read_goal(text)) == said
