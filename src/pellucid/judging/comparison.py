"""Two networks on the same rows: which is better, by how much, and whether that is more than chance."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pellucid.errors import DataError, OptionError
from pellucid.judging.judgement import Estimate
from pellucid.judging.outputs import Outputs
from pellucid.judging.significance import Compared, class_test, metric_test
from pellucid.judging.wording import is_share
from pellucid.recipe import MetricName
from pellucid.training.tasks import Supervised

_SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two networks compare.

    Attributes:
        first, second: what they are called.
        metric: what they are compared by.
        values: their figures.
        difference: first - second, with its 95 % interval.
        test: `McNemar` for accuracy, else `permutation`.
        p: how often a difference at least so large would come about, were neither better.
        better: the one that is shown to be better (p < 0.05), or None.
        rows: how many they were judged on.
        only_first, only_second: rows only the one was right on; None where it is not a matter of right and wrong.
        statement: all this in a sentence or two.
    """

    first: str
    second: str
    metric: MetricName
    values: tuple[float, float]
    difference: Estimate
    test: str
    p: float
    better: str | None
    rows: int
    only_first: int | None
    only_second: int | None
    statement: str

    def to_json(self) -> dict[str, Any]:
        """Return this as plain data."""
        return asdict(self)


def compare(names: tuple[str, str], first: Outputs, second: Outputs, task: Supervised) -> Comparison:
    """Compare two networks' outputs on the same rows, by the task's metric.

    Accuracy by McNemar's exact test, every other metric by a permutation test; both are paired, because the same rows
    are easy or hard for both, and comparing their two intervals would miss most differences that are there.

    Args:
        names: what the networks are called.
        first: outputs of the one.
        second: of the other, on the same rows in the same order.
        task: of both.

    Raises:
        DataError: the rows or their targets are not the same.
    """
    # the same quantity may be stored on two scales, which differ in the last bits
    same = first.truth.shape == second.truth.shape and np.allclose(
        first.truth.astype(np.float64), second.truth.astype(np.float64), rtol=1e-4
    )
    if not same or not np.array_equal(first.rows, second.rows):
        raise DataError(
            "two networks can be compared on the same rows only",
            expected=f"{len(first):,} rows and what is right for each, the same for both",
            received=f"{len(second):,} rows for {names[1]}" if len(first) != len(second) else "other rows or targets",
            advice="train both on the same data with the same --split and --split-seed",
        )
    is_accuracy = task.metric == "accuracy" and task.name == "classification"
    compared = class_test(first, second) if is_accuracy else metric_test(first, second, task)
    better = None if compared.p >= _SIGNIFICANT else names[0] if compared.better else names[1]
    return Comparison(
        first=names[0],
        second=names[1],
        metric=compared.metric,
        values=(compared.first, compared.second),
        difference=compared.difference,
        test="McNemar" if is_accuracy else "permutation",
        p=compared.p,
        better=better,
        rows=len(first),
        only_first=compared.only_first,
        only_second=compared.only_second,
        statement=_statement(names, compared, better, len(first)),
    )


def require_same_task(names: tuple[str, str], first: Supervised, second: Supervised) -> None:
    """Refuse to compare networks that learned different things.

    Raises:
        OptionError: other tasks or targets, or losses of which neither tells about the other.
    """
    if first.name != second.name or _predicted(first) != _predicted(second):
        raise OptionError(
            f"{names[0]} and {names[1]} learned different things",
            expected=f"{first.name} of {', '.join(_predicted(first)[:8])}",
            received=f"{second.name} of {', '.join(_predicted(second)[:8])}",
        )
    if first.metric == "loss" and first.loss_name != second.loss_name:
        raise OptionError(
            "two different losses cannot be compared",
            expected=first.loss_name,
            received=second.loss_name,
            advice="compare runs whose --metric is another",
        )


def _predicted(task: Supervised) -> tuple[str, ...]:
    target = task.target
    return target.vocabulary if hasattr(target, "vocabulary") else target.names


def _statement(names: tuple[str, str], compared: Compared, better: str | None, rows: int) -> str:
    first, second = names
    shown = (compared.first, compared.second)
    gap = compared.difference
    if better == second:
        first, second, shown = second, first, shown[::-1]
        gap = Estimate(-gap.value, -gap.high, -gap.low)
    figures = f"{compared.metric} {compared.said(shown[0])} against {compared.said(shown[1])}"
    unit, scale = (" points", 100) if is_share(compared.metric) else ("", 1)
    low, high = sorted((gap.low * scale, gap.high * scale))
    difference = f"difference {_digits(gap.value * scale)}{unit} ({_digits(low)} to {_digits(high)}), {compared.told}"
    if better is not None:
        return f"{first} is better than {second}: {figures}, {difference}."
    half = (high - low) / 2
    return (
        f"No difference is shown between {first} and {second}: {figures}, {difference}. "
        f"On {rows:,} rows one of less than about {_digits(half)}{unit} cannot be told from chance."
    )


def _digits(value: float) -> str:
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2g}"
