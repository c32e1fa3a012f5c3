"""Statements held against figures: each is decided by a 95 % confidence interval over the seeds, not by a mean.

The interval is Student's, mean ± t(0.975, S - 1) s / √S, of S differences between two figures measured with the same
seed, so that what both share (data, split, initial weights) does not widen it. A statement holds where the whole
interval is on its side, does not where the whole interval is on the other, and is undecided in between.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from pellucid.experiments.experiment import Check
from pellucid.judging.wording import percent

Sample = Sequence[float]
"""One figure a seed, in the order of the seeds."""


def greater(statement: str, first: Sample, second: Sample, *, by: float = 0.0, share: bool = False) -> Check:
    """Return whether the first figure is greater than the second by more than so much.

    Args:
        statement: the sentence that this decides.
        first: one figure a seed.
        second: the other, in the same order of seeds.
        by: what the difference must exceed.
        share: write the figures in percent.
    """
    low, high = _interval(np.subtract(first, second))
    mean_first, mean_second = float(np.mean(first)), float(np.mean(second))
    evidence = (
        f"{_written(mean_first, share=share)} against {_written(mean_second, share=share)}; the difference is"
        f" {_points(mean_first - mean_second, share=share)} (95 % interval {_points(low, high, share=share)})"
    )
    evidence += f", wanted more than {_points(by, share=share)}" if by else ""
    return Check(statement, _above(low, high, by), evidence)


def times(statement: str, first: Sample, second: Sample, *, at_least: float = 1.0) -> Check:
    """Return whether the first figure is so many times the second, by the geometric mean of their ratios.

    Args:
        statement: the sentence that this decides.
        first: positive, one figure a seed.
        second: the other, in the same order of seeds; one of 0 makes the ratio infinite.
        at_least: what the ratio must exceed.
    """
    with np.errstate(divide="ignore"):
        logs = np.log(np.asarray(first, dtype=float)) - np.log(np.asarray(second, dtype=float))
    low, high = _interval(logs)
    ratio = math.exp(float(np.mean(logs)))
    means = [_geometric(each) for each in (first, second)]
    evidence = (
        f"{means[0]:.3g} against {means[1]:.3g}: {ratio:.3g} times (95 % interval {math.exp(low):.3g} to"
        f" {math.exp(high):.3g})"
    )
    evidence += f", wanted more than {at_least:g}" if at_least != 1.0 else ""
    return Check(statement, _above(low, high, math.log(at_least)), evidence)


def above(statement: str, sample: Sample, bound: float, *, share: bool = False) -> Check:
    """Return whether a figure lies above a bound."""
    low, high = _interval(np.asarray(sample, dtype=float))
    return Check(statement, _above(low, high, bound), _beside(sample, low, high, "above", bound, share=share))


def below(statement: str, sample: Sample, bound: float, *, share: bool = False) -> Check:
    """Return whether a figure lies below a bound."""
    low, high = _interval(np.asarray(sample, dtype=float))
    return Check(statement, _above(-high, -low, -bound), _beside(sample, low, high, "below", bound, share=share))


def alike(statement: str, first: Sample, second: Sample, *, within: float, share: bool = False) -> Check:
    """Return whether two figures differ by less than a margin: the whole interval of the difference lies within it.

    That two figures do not differ significantly would not say so: few seeds never differ significantly.
    """
    low, high = _interval(np.subtract(first, second))
    holds = True if -within < low and high < within else False if high < -within or low > within else None
    evidence = (
        f"{_written(float(np.mean(first)), share=share)} against {_written(float(np.mean(second)), share=share)}; the"
        f" difference has the 95 % interval {_points(low, high, share=share)}, wanted within"
        f" ± {_points(within, share=share)}"
    )
    return Check(statement, holds, evidence)


def exact(statement: str, measured: Sample, expected: float, *, tolerance: float) -> Check:
    """Return whether every measured figure is the expected one to a tolerance: for what leaves nothing to luck."""
    worst = max(abs(value - expected) for value in measured)
    evidence = f"measured {measured[0]:.9g}, expected {expected:.9g}"
    evidence += f"; at most {worst:.2g} apart, allowed {tolerance:.2g}" if tolerance else ""
    return Check(statement, bool(worst <= tolerance), evidence)


def counted(statement: str, hits: int, out_of: int) -> Check:
    """Return whether something was so in every case that was looked at."""
    return Check(statement, hits == out_of, f"in {hits:,} of {out_of:,} cases")


def _interval(values: np.ndarray) -> tuple[float, float]:
    """Return Student's 95 % interval of the mean; of figures that are not finite, their extremes."""
    if not np.isfinite(values).all():
        return float(np.min(values)), float(np.max(values))
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    reach = float(stats.t.ppf(0.975, len(values) - 1)) * deviation / len(values) ** 0.5
    return mean - reach, mean + reach


def _above(low: float, high: float, bound: float) -> bool | None:
    return True if low > bound else False if high <= bound else None


def _beside(sample: Sample, low: float, high: float, side: str, bound: float, *, share: bool) -> str:
    mean = _written(float(np.mean(sample)), share=share)
    interval = f"{_written(low, share=share)} to {_written(high, share=share)}"
    return f"{mean} (95 % interval {interval}), wanted {side} {_written(bound, share=share)}"


def _geometric(sample: Sample) -> float:
    with np.errstate(divide="ignore"):
        return math.exp(float(np.mean(np.log(np.asarray(sample, dtype=float)))))


def _written(value: float, *, share: bool) -> str:
    return percent(value) if share and math.isfinite(value) else f"{value:.4g}"


def _points(*differences: float, share: bool) -> str:
    """Return a difference, or the two ends of its interval: of shares in percentage points."""
    numbers = " to ".join(f"{100 * each if share else each:.3g}" for each in differences)
    return f"{numbers} points" if share else numbers
