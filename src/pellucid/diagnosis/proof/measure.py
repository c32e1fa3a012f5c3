"""Before and after, by a measure that means the same in both: accuracy or r2, never losses of different formulas."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pellucid.diagnosis.observation import Score
from pellucid.diagnosis.proof.replay import Replayed

LATE = 0.2
"""Share of training's steps, the last ones, whose scores are averaged."""
LEAST_GAIN, SHARE_GAINED = 0.003, 0.1
"""A gain is one if it is at least this much, and this share of what was lacking to a score of 1 (at most 0.02)."""
MUCH = 0.02
GOOD = 0.985
"""A score above which nothing further is tried."""


@dataclass(frozen=True, slots=True)
class Measure:
    """How well a run ended.

    Attributes:
        phase: "eval" where the script measures without gradients, else "train"; "printed" for its last number.
        kind: "accuracy" or "r2", or "number".
        value: minus infinity where the run ended in numbers that are not finite.
    """

    phase: Literal["train", "eval", "printed"]
    kind: str
    value: float

    @property
    def name(self) -> str:
        """Return what was measured, in words."""
        where = {"train": "in training", "eval": "when evaluated", "printed": "as printed last"}[self.phase]
        return f"{self.kind} {where}"


def measures(run: Replayed, *, printed: bool = False) -> list[Measure]:
    """Return what can be said of how a run ended, the best measure first.

    Args:
        run: a replay.
        printed: whether the last number printed may be taken, for want of anything better; higher is then better.
    """
    found = [*_of_phase(run, "eval"), *_of_phase(run, "train")]
    if printed and run.printed is not None:
        found.append(Measure("printed", "number", _finite(run.printed)))
    return found


def _of_phase(run: Replayed, phase: Literal["train", "eval"]) -> Iterable[Measure]:
    for kind in ("accuracy", "r2"):
        scores = [score for score in run.scores if score.phase == phase and score.kind == kind]
        if scores:
            yield Measure(phase, kind, _finite(_last(scores, run.steps) if phase == "eval" else _late(scores)))


def _last(scores: list[Score], steps: int) -> float:
    """Return the score of the last evaluation; of several that the script makes there, the worst.

    An evaluation may come in batches, and a script may evaluate on its training data, too: the worst is the one on data
    that was not trained on.
    """
    sites: dict[object, list[Score]] = {}
    for score in scores:
        sites.setdefault(score.site, []).append(score)
    ends = []
    for those in sites.values():
        last = max(score.step for score in those)
        if last >= steps * (1 - LATE):
            ends.append(_mean([score for score in those if score.step == last]))
    return min(ends) if ends else _mean([score for score in scores if score.step == max(s.step for s in scores)])


def _late(scores: list[Score]) -> float:
    """Return the mean score of the last steps."""
    last = max(score.step for score in scores)
    return _mean([score for score in scores if score.step > last * (1 - LATE)] or scores[-1:])


def _mean(scores: list[Score]) -> float:
    return sum(score.score * score.size for score in scores) / max(1, sum(score.size for score in scores))


def _finite(value: float) -> float:
    return value if math.isfinite(value) else -math.inf


def compared(before: Replayed, after: Replayed, *, printed: bool = False) -> tuple[Measure, Measure] | None:
    """Return the best measure that both runs have, or None if nothing in them can be compared."""
    others = {(measure.phase, measure.kind): measure for measure in measures(after, printed=printed)}
    for measure in measures(before, printed=printed):
        if (measure.phase, measure.kind) in others:
            return measure, others[measure.phase, measure.kind]
    return None


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
    if before.phase == "printed":
        return after.value - before.value > max(LEAST_GAIN, 0.01 * abs(before.value))
    wanted = max(LEAST_GAIN, min(MUCH, SHARE_GAINED * (1 - before.value)))
    return after.value - before.value >= wanted
