"""How much of a figure is luck: the same training with several seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from pellucid.judging.wording import is_share


@dataclass(frozen=True, slots=True)
class Spread:
    """A metric over several seeds.

    Attributes:
        mean: the average.
        deviation: standard deviation from one training to the next, with n - 1.
        low, high: 95 % confidence interval of the mean; NaN for a single seed.
        least, most: the extremes.
    """

    mean: float
    deviation: float
    low: float
    high: float
    least: float
    most: float


def spread(name: str, values: Sequence[float]) -> Spread:
    """Return how a metric spreads over seeds.

    The interval is Student's, mean ± t(0.975, n - 1) deviation / sqrt(n), within 0 to 1 for a share. It tells of the
    luck of initial weights, batch order and dropout; that of which samples were drawn for the test is not in it, since
    all seeds are judged on the same ones.

    Args:
        name: of the metric.
        values: one a seed.
    """
    numbers = np.asarray(values, dtype=float)
    mean, least, most = float(numbers.mean()), float(numbers.min()), float(numbers.max())
    if len(numbers) < 2:
        return Spread(mean, float("nan"), float("nan"), float("nan"), least, most)
    deviation = float(numbers.std(ddof=1))
    reach = float(stats.t.ppf(0.975, len(numbers) - 1)) * deviation / len(numbers) ** 0.5
    low, high = mean - reach, mean + reach
    if is_share(name):
        low, high = max(0.0, low), min(1.0, high)
    return Spread(mean, deviation, low, high, least, most)
