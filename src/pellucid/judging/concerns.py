"""What is wrong with a network or with the figures it is judged by: general measurements, each with its evidence.

A false alarm costs more than silence: each concern has to be larger than chance explains and large enough to matter.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from pellucid.data.dataset import Classes
from pellucid.judging.bias_variance import error_of
from pellucid.judging.calibration import chance_error
from pellucid.judging.classes import confusion_counts
from pellucid.judging.intervals import wilson
from pellucid.judging.judgement import BiasVariance, Calibration, ClassScores, Concern, Estimate
from pellucid.judging.leakage import Leak
from pellucid.judging.outputs import Outputs
from pellucid.judging.significance import Compared, class_test, metric_test
from pellucid.judging.wording import is_share, percent
from pellucid.judging.wording import metric as written
from pellucid.training.tasks import Supervised

_RANKS = {"critical": 0, "warning": 1, "note": 2}
_SURE = 0.99
_ONE_SIDED = 0.7  # share of the most frequent class from which accuracy says little
_LEAST_SUPPORT = 10
_WORTHWHILE = 0.1  # of the baseline's error


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the concerns are looked for in.

    Attributes:
        task: what is learned.
        outputs, baseline: the network's on the judged rows, and the baseline's on the same.
        baseline_name: what the baseline does.
        metrics: of the network, with intervals.
        verdict: on bias and variance, where it is known.
        classes, calibration: of the network, for classes.
        repeated: which judged rows have the input of a training row too, bool (N,); None where it was not looked for.
        leaks: input columns that alone tell the answer.
    """

    task: Supervised
    outputs: Outputs
    baseline: Outputs
    baseline_name: str
    metrics: Mapping[str, Estimate]
    verdict: BiasVariance | None
    classes: tuple[ClassScores, ...]
    calibration: Calibration | None
    repeated: NDArray[np.bool_] | None
    leaks: tuple[Leak, ...]


def concerns_of(evidence: Evidence) -> tuple[Concern, ...]:
    """Return what is wrong, the worst first."""
    looks = (_worthless, _leaking, _repeating, _fitting, _flattering, _weak, _misbelieving, _few, _mislabelled)
    found = [concern for look in looks for concern in look(evidence)]
    if any(concern.kind == "accuracy-misleads" for concern in found):  # which says it more strongly
        found = [concern for concern in found if concern.kind != "imbalance"]
    return tuple(sorted(found, key=lambda concern: _RANKS[concern.severity]))


def _worthless(evidence: Evidence) -> Iterator[Concern]:
    """Not better than the baseline on the same rows, by a paired test."""
    task, name = evidence.task, evidence.baseline_name
    if task.name == "classification":
        compared = class_test(evidence.outputs, evidence.baseline)
    else:
        compared = metric_test(evidence.outputs, evidence.baseline, task)
    if compared.better and compared.p < 0.05:
        return
    figures = f"{compared.said(compared.first)} against {compared.said(compared.second)} for {name} ({compared.told})"
    if task.name == "classification" and compared.second >= _ONE_SIDED and _tells_apart(evidence):
        yield Concern(
            "accuracy-misleads",
            "warning",
            f"Accuracy is no better than {name}, though the classes are told apart",
            f"{figures}; mean recall of the classes {percent(evidence.metrics['recall'].value)}",
            "judge it by F1 (--metric f1) and choose a threshold (--goal)",
        )
    elif compared.better and _gain(compared) >= _WORTHWHILE:
        yield Concern(
            "no-better-than-baseline",
            "warning",
            f"Not shown to be better than {name} on so few rows",
            figures,
            "judge it on more rows",
        )
    else:
        worse = not compared.better and compared.p < 0.05
        yield Concern(
            "no-better-than-baseline",
            "critical",
            f"{'Worse' if worse else 'No better'} than {name}: it learned nothing of use",
            figures,
            "check that the inputs can tell the target; try another learning rate (--range-test) and "
            "--overfit-one-batch",
        )


def _gain(compared: Compared) -> float:
    """Return which share of the baseline's error is gone."""
    errors = [error_of(compared.metric, value) for value in (compared.first, compared.second)]
    return 1 - errors[0] / errors[1] if errors[1] else 0.0


def _tells_apart(evidence: Evidence) -> bool:
    """Whether the mean recall is above the 1 / K of any constant answer, beyond chance."""
    recall, classes = evidence.metrics["recall"], sum(scores.support > 0 for scores in evidence.classes)
    return classes > 1 and recall.low > 1 / classes + 0.02


def _leaking(evidence: Evidence) -> Iterator[Concern]:
    for leak in evidence.leaks:
        yield Concern(
            "leakage",
            "critical",
            f"Column '{leak.column}' alone tells the answer",
            leak.evidence,
            "make sure it is known when predicting; if it is not, leave it out with --ignore",
        )


def _repeating(evidence: Evidence) -> Iterator[Concern]:
    """Judged rows that stand in training too, where the figure is better for them."""
    repeated = evidence.repeated
    if repeated is None or not repeated.any() or repeated.all():
        return
    share = float(repeated.mean())
    all_rows, others = evidence.outputs.losses.mean(), evidence.outputs.losses[~repeated]
    figures = f"{int(repeated.sum()):,} of {len(repeated):,} judged rows have the very input of a training row"
    if evidence.task.name == "classification":
        right = evidence.outputs.predicted == evidence.outputs.truth
        gain = float(right.mean() - right[~repeated].mean())
        evident = gain > 0.01 and share >= 0.05
        figures += f"; accuracy {percent(right[~repeated].mean())} without them, {percent(right.mean())} with them"
    else:
        evident = share >= 0.05 and float(others.mean()) > 1.1 * float(all_rows)
        figures += f"; loss {others.mean():.4g} without them, {all_rows:.4g} with them"
    if evident:
        yield Concern(
            "duplicates",
            "critical" if share >= 0.3 else "warning",
            "The figures flatter: rows it was judged on were learned from",
            figures,
            "remove duplicates, or keep what belongs together in one split with --group",
        )


def _fitting(evidence: Evidence) -> Iterator[Concern]:
    verdict = evidence.verdict
    if verdict is None or verdict.verdict == "good":
        return
    titles = {
        "high variance": "Does much worse on new rows than on those it learned from",
        "high bias": "Learned less than there is to learn",
        "high bias and high variance": "Learned too little, and does worse still on new rows",
    }
    why, _, advice = verdict.explanation.partition(". ")
    yield Concern(
        verdict.verdict.replace(" ", "-"), "warning", f"{titles[verdict.verdict]} ({verdict.verdict})", why, advice
    )


def _flattering(evidence: Evidence) -> Iterator[Concern]:
    """Accuracy that comes from one class being frequent."""
    if evidence.task.name != "classification":
        return
    common = max(scores.support for scores in evidence.classes) / len(evidence.outputs)
    right = evidence.baseline.predicted == evidence.baseline.truth
    accuracy, recall = evidence.metrics["accuracy"].value, evidence.metrics["recall"].value
    if common >= 0.8 and accuracy - recall > 0.1:
        yield Concern(
            "imbalance",
            "note",
            "Accuracy flatters: one class is much more frequent than the rest",
            f"accuracy {percent(accuracy)}, but the classes' mean recall is {percent(recall)}; "
            f"{evidence.baseline_name} is right on {percent(float(right.mean()))}",
            "judge by F1 (--metric f1); for two classes choose a threshold (--goal)",
        )


def _weak(evidence: Evidence) -> Iterator[Concern]:
    """Classes found far less often than samples are right on the whole, beyond the chance of so many looked at."""
    if evidence.task.name != "classification" or not evidence.classes:
        return
    assert isinstance(evidence.task.target, Classes)
    overall = evidence.metrics["accuracy"].value
    z = NormalDist().inv_cdf(1 - 0.025 / len(evidence.classes))
    counts_KK = confusion_counts(evidence.outputs, len(evidence.classes))
    found = []
    for k, scores in enumerate(evidence.classes):
        high = wilson(counts_KK[k, k], scores.support, z).high
        if scores.support >= _LEAST_SUPPORT and high < overall and scores.recall.value < overall - 0.15:
            others = counts_KK[k].copy()
            others[k] = 0
            taken = evidence.classes[int(others.argmax())].name
            found.append((scores.recall.value, scores, int(others.max()), taken))
    found.sort(key=lambda one: one[0])
    for recall, scores, count, taken in found[:3]:
        yield Concern(
            "weak-class",
            "warning" if recall < 0.5 or len(evidence.classes) > 2 else "note",
            f"Finds only {percent(recall)} of '{scores.name}'" if recall else f"Never finds '{scores.name}'",
            f"{count:,} of its {scores.support:,} samples were taken for '{taken}'; "
            f"right on {percent(overall)} of all samples",
            "choose a threshold for it (--positive, --goal)"
            if len(evidence.classes) == 2
            else "look at its mistakes; more samples of it, or inputs that tell it apart",
        )


def _misbelieving(evidence: Evidence) -> Iterator[Concern]:
    """Probabilities that are off by more than a perfectly calibrated network's would be on so few rows."""
    calibration = evidence.calibration
    if calibration is None or calibration.error < 0.05 or calibration.error <= chance_error(evidence.outputs):
        return
    believed = sum(one.count * one.confidence for one in calibration.bins) / len(evidence.outputs)
    right = evidence.metrics["accuracy"].value
    sure = "too sure of itself" if believed > right else "right more often than it believes"
    yield Concern(
        "miscalibrated",
        "warning",
        f"Its probabilities cannot be taken at their word: it is {sure}",
        f"mean confidence {percent(believed)}, right on {percent(right)}; "
        f"expected calibration error {percent(calibration.error)}",
        "fewer epochs, --early-stopping, --weight-decay or --label-smoothing"
        if believed > right
        else "longer training, or less --label-smoothing and regularisation",
    )


def _few(evidence: Evidence) -> Iterator[Concern]:
    metric = evidence.task.metric
    estimate = evidence.metrics[metric]
    width = estimate.high - estimate.low
    wide = width > 0.1 if is_share(metric) else width > (0.3 if metric == "r2" else abs(estimate.value))
    if math.isfinite(width) and wide:
        yield Concern(
            "few-samples",
            "note",
            f"Only {len(evidence.outputs):,} rows were judged, so the figures are rough",
            f"{metric} {written(metric, estimate.value)}, but anything from {written(metric, estimate.low)} to "
            f"{written(metric, estimate.high)} fits what was seen (95 % interval)",
            "judge it on more rows: pellucid evaluate RUN DATA, or a larger test share with --split",
        )


def _mislabelled(evidence: Evidence) -> Iterator[Concern]:
    """Mistakes the network is all but certain of, where its probabilities are otherwise to be trusted."""
    outputs, calibration = evidence.outputs, evidence.calibration
    if outputs.confidence is None or calibration is None or calibration.error > 0.05:
        return
    sure = outputs.confidence >= _SURE
    wrong = int((sure & (outputs.predicted != outputs.truth)).sum())
    expected = float((1 - outputs.confidence[sure].astype(np.float64)).sum())
    if wrong >= 3 and wrong > 3 * expected + 3 * math.sqrt(expected):
        yield Concern(
            "possible-label-errors",
            "note",
            f"{wrong} mistakes it was all but certain of: some may be wrong labels",
            f"{wrong} of {int(sure.sum()):,} answers given with 99 % or more are wrong, where {expected:.1f} would be "
            "expected of such probabilities",
            "look at the worst mistakes by eye before trusting either side",
        )
