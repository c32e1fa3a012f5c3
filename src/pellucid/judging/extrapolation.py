"""What more data would bring, by the power law that errors follow as data grows.

Shape letters: P points.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.judging.bias_variance import error_of
from pellucid.judging.judgement import Estimate
from pellucid.judging.wording import is_share
from pellucid.judging.wording import metric as written
from pellucid.recipe import MetricName
from pellucid.training.tasks import HIGHER_IS_BETTER

_EXPONENTS = np.geomspace(0.02, 3, 200)
_LEAST_POINTS = 4


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """error = floor + factor · rows^-exponent: what no data removes, and how fast the rest falls."""

    floor: float
    factor: float
    exponent: float

    def error(self, rows: float) -> float:
        """Return the error to be expected of so many rows."""
        return self.floor + self.factor * math.pow(rows, -self.exponent)


@dataclass(frozen=True, slots=True)
class Outlook:
    """The law, the metric to be expected of twice the rows, and what to make of it; None where the points are rough."""

    law: PowerLaw | None
    doubled: float | None
    statement: str


def fit(rows: Sequence[float], errors: Sequence[float]) -> PowerLaw:
    """Return the power law with the least squared relative error (Cortes et al. 1994; Hestness et al. 2017).

    For each of 200 exponents floor and factor are linear, and neither may be negative; the best exponent is taken.
    """
    rows_P, errors_P = np.asarray(rows, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    # an error of 0 would outweigh all others
    weight_P = 1 / np.maximum(errors_P, 0.01 * max(float(errors_P.max()), 1e-12))
    best, least = PowerLaw(float(errors_P.mean()), 0.0, 1.0), math.inf
    for exponent in _EXPONENTS.tolist():
        shape_P = (rows_P / rows_P[-1]) ** -exponent
        for columns in ((np.ones_like(shape_P), shape_P), (np.zeros_like(shape_P), shape_P)):
            design_P2 = np.stack(columns, axis=1) * weight_P[:, None]
            (floor, factor), *_ = np.linalg.lstsq(design_P2, errors_P * weight_P, rcond=None)
            left = float(((design_P2 @ np.array([floor, factor]) - errors_P * weight_P) ** 2).sum())
            if floor >= 0 and factor >= 0 and left < least - 1e-15:
                best = PowerLaw(float(floor), float(factor * rows_P[-1] ** exponent), exponent)
                least = left
    return best


def outlook_of(metric: MetricName, rows: Sequence[int], values: Sequence[float], last: Estimate) -> Outlook:
    """Return what twice the rows would bring, if the curve supports a forecast.

    It does where the law through all points but the last foretells the last to within what chance leaves of it (half
    of its interval's width), where there are four points or more, and where the error falls over the curve by more
    than that.

    Args:
        metric: of the values.
        rows: training rows of each point, rising.
        values: the validation figure of each.
        last: the last one's, with its interval.
    """
    errors = [error_of(metric, value) for value in values]
    noise = (last.high - last.low) / 2
    if len(rows) < _LEAST_POINTS or not math.isfinite(noise) or not all(map(math.isfinite, errors)):
        return Outlook(None, None, f"With {len(rows)} sizes the curve does not say what more data would bring.")
    if abs(errors[0] - errors[-1]) <= noise:
        return Outlook(
            None,
            None,
            f"From {rows[0]:,} to {rows[-1]:,} rows {metric} changed by no more than chance explains: more data of "
            "this kind is not known to help.",
        )
    foretold = fit(rows[:-1], errors[:-1]).error(rows[-1])
    measured = written(metric, values[-1])
    if errors[-1] >= errors[0] or abs(foretold - errors[-1]) > noise:
        return Outlook(
            None,
            None,
            "The curve is too rough to be gone on with: the other points foretell "
            f"{written(metric, _value(metric, foretold))} for all rows, where {measured} was measured.",
        )
    law = fit(rows, errors)
    gain = law.error(rows[-1]) - law.error(2 * rows[-1])
    doubled = _value(metric, max(0.0, errors[-1] - gain))  # nothing is better than no error
    return Outlook(law, doubled, _statement(metric, rows[-1], values[-1], doubled, noise))


def _statement(metric: MetricName, rows: int, value: float, doubled: float, noise: float) -> str:
    gain, unit = (100 * abs(doubled - value), " points") if is_share(metric) else (abs(doubled - value), "")
    chance = 100 * noise if is_share(metric) else noise
    said = f"{written(metric, value)} to about {written(metric, doubled)}"
    much = (
        f"Twice the rows ({2 * rows:,}) would bring about {_digits(gain)}{unit}: {metric} {said}, if the curve goes on"
    )
    if gain < chance:
        return f"{much} so; that is less than these validation rows can measure (± {_digits(chance)}{unit})."
    return f"{much} so."


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def _value(metric: MetricName, error: float) -> float:
    return 1 - error if metric in HIGHER_IS_BETTER else error
