"""Confidence intervals of figures measured on samples: how far off a figure may be because the samples were few.

All are at 95 %. Shape letters: R resamples.
"""

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from pellucid.judging.judgement import Estimate

Z = NormalDist().inv_cdf(0.975)


def wilson(hits: float, samples: float, z: float = Z) -> Estimate:
    """Return the score interval of a share, hits / samples (Wilson 1927).

    The shares p that the observed share p̂ does not contradict: |p̂ - p| <= z √(p (1 - p) / n). Unlike p̂ ± z s it
    keeps its promise for few samples and for shares near 0 and 1, and has a width even where no sample was wrong.

    Args:
        hits: samples counted, 0 to `samples`.
        samples: how many there are; of none nothing is known, and the interval is 0 to 1 around NaN.
        z: quantile of the normal distribution; the default makes it a 95 % interval.
    """
    if samples == 0:
        return Estimate(math.nan, 0.0, 1.0)
    share = hits / samples
    centre = (share + z * z / (2 * samples)) / (1 + z * z / samples)
    half = z / (1 + z * z / samples) * math.sqrt(share * (1 - share) / samples + z * z / (4 * samples * samples))
    # at 0 and at all of them the bounds are exact, and rounding must not leave the share outside
    return Estimate(share, min(max(0.0, centre - half), share), max(min(1.0, centre + half), share))


def paired_difference(first_only: int, second_only: int, samples: int) -> Estimate:
    """Return the difference between two shares of the same samples (Bonett and Price 2012).

    With one sample added to each kind of disagreement, b' = (b + 1) / (n + 2) and c' = (c + 1) / (n + 2):
    b' - c' ± z √((b' + c' - (b' - c')²) / (n + 2)), around the plain difference (b - c) / n.

    Args:
        first_only: samples only the first was right on, b.
        second_only: samples only the second was right on, c.
        samples: all of them, n.
    """
    b, c = (first_only + 1) / (samples + 2), (second_only + 1) / (samples + 2)
    half = Z * math.sqrt((b + c - (b - c) ** 2) / (samples + 2))
    value = (first_only - second_only) / samples
    return Estimate(value, max(-1.0, min(b - c - half, value)), min(1.0, max(b - c + half, value)))


def auc_interval(auc: float, positives: int, negatives: int) -> Estimate:
    """Return the score interval of an area under the ROC curve (Newcombe 2006, method 5).

    Hanley and McNeil's variance, at the area that is asked about instead of the one measured, as in Wilson's interval:
    the areas θ with (θ̂ - θ)² <= z² θ (1 - θ) {1 + (n - 1) [(1 - θ) / (2 - θ) + θ / (1 + θ)]} / (m k), where m and k
    are the positives and negatives and n is their mean. It keeps a width where the classes are fully apart.
    """
    mean = (positives + negatives) / 2

    def excess(theta: float) -> float:
        shape = 1 + (mean - 1) * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return (auc - theta) ** 2 - Z * Z * theta * (1 - theta) * shape / (positives * negatives)

    return Estimate(auc, _root(excess, 0.0, auc), _root(excess, 1.0, auc))


def percentile(value: float, resampled_R: NDArray[np.float64], blocks: int) -> Estimate:
    """Return the expanded percentile interval of a figure (Hesterberg 2015, section 4.5).

    A bootstrap's spread is that of a sample's own variance, too small by √((n - 1) / n), and few samples need
    Student's t; so the quantiles taken are those at Φ(∓ √(n / (n - 1)) t_{n-1}) instead of 2.5 % and 97.5 %.

    Args:
        value: the figure on all samples.
        resampled_R: the same on each resample; NaN where it was not defined.
        blocks: independent samples that were drawn from, n.
    """
    defined = resampled_R[np.isfinite(resampled_R)]
    if not math.isfinite(value) or len(defined) < len(resampled_R) / 2 or blocks < 2:
        return Estimate(value, math.nan, math.nan)
    tail = NormalDist().cdf(-math.sqrt(blocks / (blocks - 1)) * student_quantile(blocks - 1))
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Estimate(value, min(float(low), value), max(float(high), value))


def student_quantile(freedom: int) -> float:
    """Return the 97.5 % quantile of Student's t distribution.

    Closed forms for one and two degrees of freedom, else Cornish and Fisher's expansion (Abramowitz and Stegun 1964,
    26.7.5), right to 0.5 % at three degrees and to 0.01 % from seven.
    """
    if freedom == 1:
        return math.tan(math.pi * 0.475)
    if freedom == 2:
        return math.sqrt(2 * 0.95**2 / (1 - 0.95**2))
    terms: tuple[float, ...] = (
        (Z**3 + Z) / 4,
        (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96,
        (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384,
        (79 * Z**9 + 776 * Z**7 + 1482 * Z**5 - 1920 * Z**3 - 945 * Z) / 92160,
    )
    return Z + math.fsum(term / freedom ** (power + 1) for power, term in enumerate(terms))


def _root(excess: Callable[[float], float], outside: float, inside: float) -> float:
    """Return where `excess` changes its sign between a bound outside the interval and its middle, by bisection."""
    if excess(outside) <= 0:
        return outside
    for _ in range(60):
        middle = (outside + inside) / 2
        outside, inside = (middle, inside) if excess(middle) > 0 else (outside, middle)
    return inside
