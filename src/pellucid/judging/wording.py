"""How figures stand in sentences."""

import math

_SHARES = frozenset(
    {
        "accuracy",
        "exact_match",
        "iou",
        "precision",
        "recall",
        "f1",
        "nearest_neighbour",
        "real_accuracy",
        "made_accuracy",
        "high_quality",
        "recalled",
        "corrected",
    }
)


def percent(share: float) -> str:
    """Return a share as a percentage: 0.9861 is `98.6 %`; `100 %` and `0 %` are said only where they are exact."""
    if share in {0.0, 1.0}:
        return f"{round(100 * share)} %"
    text, digits = "100", 1
    while float(text) in {0.0, 100.0} and digits < 9:
        text, digits = f"{100 * share:.{digits}f}", digits + 1
    return f"{text} %"


def metric(name: str, value: float) -> str:
    """Return a metric's value as its kind is written: shares in percent, the rest to four significant digits.

    Of several tasks the metric stands behind the task's name: `digit.accuracy`.
    """
    if not math.isfinite(value):
        return str(value)
    return percent(value) if is_share(name) else f"{value:.4g}"


def is_share(name: str) -> bool:
    """Say whether a metric is a share of samples, which is written in percent."""
    return name.rpartition(".")[2] in _SHARES


def p_value(p: float) -> str:
    """Return a p as it is written: `p = 0.31`, `p = 0.004`, `p < 0.001`."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"
