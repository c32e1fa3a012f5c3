"""Before and after, by a measure that means the same in both: never losses of different formulas."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from pellucid.diagnosis.observation import Score
from pellucid.diagnosis.proof.marks import Mark
from pellucid.diagnosis.proof.replay import Replayed

LATE = 0.2
"""Share of training's steps, the last ones, whose scores are averaged."""
LEAST_GAIN, SHARE_GAINED = 0.003, 0.1
"""A gain is one if it is at least this much, and this share of what was lacking to a score of 1 (at most 0.02)."""
MUCH = 0.02
GOOD = 0.985
"""A score above which nothing further is tried."""
RECALL, COVERAGE, LOSS = "mean recall", "coverage", "negative loss"
LOSS_GAINED = 0.05
"""Share by which a loss must fall; losses are compared only where nothing else tells, and a cure leaves them alone."""
OF_CAUSE = {
    "class-imbalance": RECALL,
    "discriminator-dominates": COVERAGE,
    "generator-dominates": COVERAGE,
    "mode-collapse": COVERAGE,
}
"""Cause -> the measure that shows it; an accuracy hides a rare class, and a generator has none."""

Phase = Literal["train", "eval"]


class _Dated(Protocol):
    @property
    def step(self) -> int: ...


Item = TypeVar("Item", bound=_Dated)


@dataclass(frozen=True, slots=True)
class Measure:
    """How well a run ended.

    Attributes:
        phase: "eval" where the script measures without gradients, else "train"; "printed" for its last number.
        kind: "accuracy" or "r2" as the observer scores a loss; "labels met", the share of labels, whatever the loss;
            "mean recall", the mean of that over the classes; "coverage", the share of real samples that have a made one
            near; "negative loss" on what is evaluated, of remedies of overfitting only, which leave the loss's formula
            as it is; "number" for what was printed.
        value: minus infinity where the run ended in numbers that are not finite.
    """

    phase: Literal["train", "eval", "printed"]
    kind: str
    value: float

    @property
    def name(self) -> str:
        """Return what was measured, in words."""
        where = {"train": "in training", "eval": "when evaluated", "printed": "printed last"}[self.phase]
        return f"{self.kind} {where}"


def measures(run: Replayed, *, cause: str = "", printed: bool = False) -> list[Measure]:
    """Return what can be said of how a run ended, the best measure first.

    Args:
        run: a replay.
        cause: that is to be mended, which may have a measure of its own.
        printed: whether the last number printed may be taken, for want of anything better; higher is then better.
    """
    found = [*_of_phase(run, "eval"), *(_loss(run) if cause == "overfitting" else ()), *_of_phase(run, "train")]
    if cause in OF_CAUSE:
        found.sort(key=lambda measure: measure.kind != OF_CAUSE[cause])
    if OF_CAUSE.get(cause) == COVERAGE:
        found = [measure for measure in found if measure.kind == COVERAGE]
    if printed and run.printed is not None:
        found.append(Measure("printed", "number", _finite(run.printed)))
    return found


def _of_phase(run: Replayed, phase: Phase) -> Iterable[Measure]:
    for kind in ("accuracy", "r2", COVERAGE):
        scores = [score for score in run.scores if score.phase == phase and score.kind == kind]
        if scores:
            ends = _ends(scores, [score.site for score in scores], run.steps, phase)
            yield Measure(phase, kind, _finite(min(_mean(those) for those in ends)))
    marks = [mark for mark in run.marks if mark.phase == phase]
    if marks:
        ends_met = _ends(marks, [mark.line for mark in marks], run.steps, phase)
        yield Measure(phase, "labels met", min(_met(those) for those in ends_met))
        yield Measure(phase, RECALL, min(_recall(those) for those in ends_met))


def _loss(run: Replayed) -> Iterable[Measure]:
    scores = [score for score in run.scores if score.phase == "eval" and score.loss is not None]
    if scores:
        ends = _ends(scores, [score.site for score in scores], run.steps, "eval")
        means = [sum(score.loss or 0 for score in those) / len(those) for those in ends]
        yield Measure("eval", LOSS, _finite(-max(means)))


def _ends(items: Sequence[Item], sites: Sequence[object], steps: int, phase: Phase) -> list[list[Item]]:
    """Return the last items: in training those of the last steps, else the last evaluation of each line.

    An evaluation may come in batches, and a script may evaluate on its training data, too: of several lines the worst
    is then taken, which is on data that was not trained on.
    """
    last = max(item.step for item in items)
    if phase == "train":
        return [[item for item in items if item.step >= last * (1 - LATE)]]
    by_site: dict[object, list[Item]] = {}
    for item, site in zip(items, sites, strict=True):
        by_site.setdefault(site, []).append(item)
    ends = []
    for those in by_site.values():
        at = max(item.step for item in those)
        if at >= steps * (1 - LATE):
            ends.append([item for item in those if item.step == at])
    return ends or [[item for item in items if item.step == last]]


def _mean(scores: Sequence[Score]) -> float:
    return sum(score.score * score.size for score in scores) / max(1, sum(score.size for score in scores))


def _met(marks: Sequence[Mark]) -> float:
    return sum(sum(mark.right) for mark in marks) / max(1, sum(sum(mark.total) for mark in marks))


def _recall(marks: Sequence[Mark]) -> float:
    right: dict[int, int] = {}
    total: dict[int, int] = {}
    for mark in marks:
        for label, (met, given) in enumerate(zip(mark.right, mark.total, strict=True)):
            right[label] = right.get(label, 0) + met
            total[label] = total.get(label, 0) + given
    shares = [right[label] / total[label] for label in total if total[label]]
    return sum(shares) / max(1, len(shares))


def _finite(value: float) -> float:
    return value if math.isfinite(value) else -math.inf


def compared(
    before: Replayed, after: Replayed, *, cause: str = "", printed: bool = False
) -> tuple[Measure, Measure] | None:
    """Return the best measure that both runs have, or None if nothing in them can be compared.

    Overfitting may show in the loss alone: where the best measure stays as it was, the loss on what is evaluated tells.
    """
    others = {(item.phase, item.kind): item for item in measures(after, cause=cause, printed=printed)}
    pairs = [
        (measure, others[measure.phase, measure.kind])
        for measure in measures(before, cause=cause, printed=printed)
        if (measure.phase, measure.kind) in others
    ]
    best = next(iter(pairs), None)
    if best is not None and abs(best[1].value - best[0].value) < MUCH:
        return next((pair for pair in pairs if pair[0].kind == LOSS and is_better(*pair)), best)
    return best


def is_better(before: Measure, after: Measure) -> bool:
    """Tell whether a gain is more than chance: see `LEAST_GAIN`.

    >>> is_better(Measure("eval", "accuracy", 0.9), Measure("eval", "accuracy", 0.93))
    True
    >>> is_better(Measure("eval", "accuracy", 0.9), Measure("eval", "accuracy", 0.905))
    False
    """
    if after.value == -math.inf:
        return False
    if before.value == -math.inf:
        return True
    if before.kind == LOSS:
        return after.value - before.value > LOSS_GAINED * abs(before.value)
    if before.phase == "printed":
        return after.value - before.value > max(LEAST_GAIN, 0.01 * abs(before.value))
    wanted = max(LEAST_GAIN, min(MUCH, SHARE_GAINED * (1 - before.value)))
    return after.value - before.value >= wanted
