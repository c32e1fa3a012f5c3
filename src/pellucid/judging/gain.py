"""Whether a change helped: a validation metric before it and after it."""

import math
from typing import Literal

from pellucid.training.tasks import HIGHER_IS_BETTER

Gain = Literal["better", "alike", "worse"]

_AT_MOST_ONE = frozenset({"accuracy", "precision", "recall", "f1", "r2", "iou", "recalled", "corrected", "overlap"})


def gain(metric: str, before: float, after: float, rows: int) -> Gain | None:
    """Return whether a metric of so many validation rows changed by more than chance gives.

    Of a metric that is 1 at best, (b, a): by max(3/1000, 2/rows, min(2/100, (1 - b)/10)) or more; of another, by more
    than a fiftieth of b. NaN stands for what diverged: whatever ends with a figure is better than that. None where
    there is nothing after the change.
    """
    if math.isnan(after):
        return None
    if math.isnan(before):
        return "better"
    change = after - before if metric in HIGHER_IS_BETTER else before - after
    least = 0.02 * abs(before)
    if metric in _AT_MOST_ONE:
        best = max(before, after) if change < 0 else before
        least = max(0.003, 2 / max(rows, 1), min(0.02, 0.1 * (1 - best)))
    if abs(change) < least or change == 0:
        return "alike"
    return "better" if change > 0 else "worse"
