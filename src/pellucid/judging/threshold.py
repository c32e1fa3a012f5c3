"""Where to draw the line between two classes: a threshold chosen for a goal on one split, judged on another.

Shape letters: N samples, U thresholds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as reference

from pellucid.data.dataset import SplitName
from pellucid.errors import OptionError, nearest
from pellucid.judging.intervals import auc_interval, wilson
from pellucid.judging.judgement import Estimate, Operating, ThresholdChoice
from pellucid.judging.outputs import Outputs

GOALS = {
    "f1": "f1 (most F1 of the positive class)",
    "balanced": "balanced (most mean recall of both classes)",
    "recall": "recall 0.9 (most precision with at least that recall)",
    "precision": "precision 0.9 (most recall with at least that precision)",
    "cost": "cost 5 (least cost, where a missed positive costs 5 false alarms)",
}
_CURVE_POINTS = 100


@dataclass(frozen=True, slots=True)
class Goal:
    """What a threshold is chosen for: a word of `GOALS` and its number, where it takes one."""

    name: str
    number: float | None

    def __str__(self) -> str:
        return self.name if self.number is None else f"{self.name} {self.number:g}"


@dataclass(frozen=True, slots=True)
class Scores:
    """Probabilities of the positive class, float64 (N,), and which samples are of it, bool (N,)."""

    probability: NDArray[np.float64]
    positive: NDArray[np.bool_]

    @classmethod
    def of(cls, outputs: Outputs, positive: int) -> "Scores":
        """Return the scores of a binary classifier's outputs for the class of that index."""
        assert outputs.probabilities is not None
        return cls(outputs.probabilities[:, positive].astype(np.float64), outputs.truth == positive)


def read_goal(text: str) -> Goal:
    """Return the goal that a text names.

    Raises:
        OptionError: no such goal, or one without its number.
    """
    words = text.replace("=", " ").split()
    name = words[0].lower() if words else ""
    number = _number(words[1]) if len(words) == 2 else None
    plain = name in {"f1", "balanced"} and len(words) == 1
    share = name in {"recall", "precision"} and number is not None and 0 < number <= 1
    if not (plain or share or (name == "cost" and number is not None and 0 < number < float("inf"))):
        raise OptionError(
            f"a threshold cannot be chosen for '{text}'",
            expected="one of " + ", ".join(GOALS.values()),
            received=text,
            advice=nearest(name, GOALS),
        )
    return Goal(name, number)


def choose(scores: Scores, goal: Goal) -> float:
    """Return the threshold that meets the goal best: positive is said where the probability reaches it.

    Every threshold that says something else of a sample is tried. Of equally good ones the one nearest 0.5 is taken.
    Where no threshold has the recall or precision asked for, the one that comes nearest is. What is returned is the
    shortest decimal number that separates the samples as that threshold does.
    """
    tried = _operating_points(scores)
    best_U = _merit(tried, goal)
    equal = np.flatnonzero(best_U >= best_U.max() - 1e-12)
    upper_U = tried.threshold
    lower_U = np.append(upper_U[1:], 0.0)  # thresholds fall
    distance = np.maximum(np.maximum(lower_U - 0.5, 0.5 - upper_U), 0.0)
    chosen = equal[distance[equal].argmin()]
    return _shortest(float(lower_U[chosen]), float(upper_U[chosen]))


def operate(scores: Scores, threshold: float) -> Operating:
    """Return how a classifier does on samples at one threshold; a share of no samples is 0."""
    said = scores.probability >= threshold
    hits, alarms = int((said & scores.positive).sum()), int(said.sum())
    positives, right = int(scores.positive.sum()), int((said == scores.positive).sum())
    return Operating(
        threshold=threshold,
        accuracy=right / len(said),
        precision=hits / alarms if alarms else 0.0,
        recall=hits / positives if positives else 0.0,
        f1=2 * hits / (alarms + positives) if alarms + positives else 0.0,
    )


def threshold_choice(
    judged: Scores, choosing: Scores, chosen_on: SplitName, goal: Goal, positive: str
) -> ThresholdChoice:
    """Return the threshold that meets a goal on the rows it is chosen on, and what it does on those judged.

    The area under the precision-recall curve has the binomial interval over the positives that Boyd, Eng and Page
    (2013) recommend, in Wilson's form.
    """
    threshold = choose(choosing, goal)
    auc, precision = _areas(judged)
    distinct = np.unique(judged.probability)
    places = np.unique(np.linspace(0, len(distinct) - 1, _CURVE_POINTS).round().astype(np.int64))
    return ThresholdChoice(
        positive=positive,
        goal=str(goal),
        chosen_on=chosen_on,
        usual=operate(judged, 0.5),
        chosen=operate(judged, threshold),
        curve=tuple(operate(judged, value) for value in distinct[places].tolist()),
        auc=auc,
        average_precision=precision,
    )


def _areas(scores: Scores) -> tuple[Estimate, Estimate]:
    positives = int(scores.positive.sum())
    negatives = len(scores.positive) - positives
    if not positives or not negatives:
        unknown = Estimate(float("nan"), 0.0, 1.0)
        return unknown, unknown
    auc = float(reference.roc_auc_score(scores.positive, scores.probability))
    average = float(reference.average_precision_score(scores.positive, scores.probability))
    return auc_interval(auc, positives, negatives), wilson(average * positives, positives)


@dataclass(frozen=True, slots=True)
class _Points:
    """Counts at every threshold that matters, falling, float64 (U,)."""

    threshold: NDArray[np.float64]
    hits: NDArray[np.float64]
    alarms: NDArray[np.float64]
    positives: int
    negatives: int


def _operating_points(scores: Scores) -> _Points:
    order_N = np.argsort(-scores.probability, kind="stable")
    falling_N, positive_N = scores.probability[order_N], scores.positive[order_N]
    last_of_each = np.flatnonzero(np.append(np.diff(falling_N) != 0, True))
    threshold, alarms = falling_N[last_of_each], (last_of_each + 1).astype(np.float64)
    hits = np.cumsum(positive_N)[last_of_each].astype(np.float64)
    if falling_N[0] < 1:  # above all probabilities nothing is said to be positive
        threshold, hits, alarms = np.append(1.0, threshold), np.append(0.0, hits), np.append(0.0, alarms)
    positives = int(positive_N.sum())
    return _Points(threshold, hits, alarms, positives, len(positive_N) - positives)


def _merit(tried: _Points, goal: Goal) -> NDArray[np.float64]:
    """Return what is to be as large as possible, (U,)."""
    recall = tried.hits / max(tried.positives, 1)
    precision = np.where(tried.alarms > 0, tried.hits / np.maximum(tried.alarms, 1), 0)
    false_alarms = tried.alarms - tried.hits
    match goal.name:
        case "f1":
            return 2 * tried.hits / np.maximum(tried.alarms + tried.positives, 1)
        case "balanced":
            return recall + 1 - false_alarms / max(tried.negatives, 1)
        case "cost":
            assert goal.number is not None
            return -(goal.number * (tried.positives - tried.hits) + false_alarms)
    wanted, other = (recall, precision) if goal.name == "recall" else (precision, recall)
    enough = wanted >= (goal.number or 0.0) - 1e-12
    if not enough.any():
        return wanted
    return np.where(enough, other, -1.0)


def _shortest(lower: float, upper: float) -> float:
    """Return the decimal number of the fewest digits in (lower, upper]."""
    for digits in range(2, 17):
        number = float(np.ceil(np.nextafter(lower, 2.0) * 10**digits) / 10**digits)
        if lower < number <= upper:
            return number
    return upper


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
