"""Whether one network is better than another on the same rows, or only looks so: paired tests.

Shape letters: N samples, G blocks of samples, M sums, R permutations.
"""

import math
from dataclasses import dataclass

import numpy as np

from pellucid.judging.intervals import paired_difference, percentile
from pellucid.judging.judgement import Estimate
from pellucid.judging.outputs import Outputs
from pellucid.judging.resampling import Sums, blocks_for, metrics_of, resampled, sums_of, values_of
from pellucid.judging.wording import metric as written
from pellucid.judging.wording import p_value
from pellucid.recipe import MetricName
from pellucid.seed import derive
from pellucid.training.tasks import HIGHER_IS_BETTER, Supervised

_PERMUTATIONS = 5_000
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Compared:
    """Two figures of one metric on the same rows.

    Attributes:
        metric: of both.
        first, second: the figures.
        difference: first - second, with its 95 % interval.
        p: how often a difference at least so large would come about, were neither better.
        told: the test and its p, in words.
        only_first, only_second: rows only the one was right on; None where it is not a matter of right and wrong.
    """

    metric: MetricName
    first: float
    second: float
    difference: Estimate
    p: float
    told: str
    only_first: int | None = None
    only_second: int | None = None

    @property
    def better(self) -> bool:
        """Whether the first figure is the better one."""
        return self.first > self.second if self.metric in HIGHER_IS_BETTER else self.first < self.second

    def said(self, value: float) -> str:
        """Return a figure as its metric is written."""
        return written(self.metric, value)


def class_test(first: Outputs, second: Outputs) -> Compared:
    """Compare accuracies by McNemar's exact test (McNemar 1947; Dietterich 1998).

    Rows on which both are right or both wrong say nothing. Were neither better, each of the other b + c rows would
    fall to either with one half, so b is binomial; p is two-sided.
    """
    right = [outputs.predicted == outputs.truth for outputs in (first, second)]
    only_first, only_second = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    p = binomial_p(only_first, only_first + only_second)
    return Compared(
        "accuracy", float(right[0].mean()), float(right[1].mean()),
        paired_difference(only_first, only_second, len(first)), p, f"McNemar {p_value(p)}", only_first, only_second,
    )  # fmt: skip


def metric_test(first: Outputs, second: Outputs, task: Supervised) -> Compared:
    """Compare the task's metric by a permutation test (Fisher 1935; for F1 as Yeh 2000).

    Were neither better, each row's two outcomes (neighbouring rows' together, where they follow each other) might as
    well be the other's. p is the share of 5,000 random ways to exchange them, and of what was seen, whose difference is
    at least as large; the interval is the bootstrap's, drawing the same rows for both.
    """
    metric, blocks = task.metric, blocks_for(first.losses - second.losses, task)
    one_GM, other_GM = sums_of(first, task, blocks), sums_of(second, task, blocks)
    values = [values_of(outputs, task)[metric] for outputs in (first, second)]
    drawn = [metrics_of(resampled(sums), task)[metric] for sums in (one_GM, other_GM)]
    difference = percentile(values[0] - values[1], drawn[0] - drawn[1], blocks.count)
    p = permutation_p(one_GM, other_GM, task)
    return Compared(metric, values[0], values[1], difference, p, f"permutation {p_value(p)}")


def permutation_p(first_GM: Sums, second_GM: Sums, task: Supervised) -> float:
    """Return the p of exchanging the two outcomes of each block at random."""
    total_M, gap_GM = first_GM.sum(0), second_GM - first_GM
    differing = np.abs(gap_GM).max(1) > 0
    random = np.random.default_rng(derive(0, "permutation"))
    second_M = second_GM.sum(0)

    def gap(moved_RM: Sums) -> Sums:
        swapped = (metrics_of(sums, task)[task.metric] for sums in (total_M + moved_RM, second_M - moved_RM))
        return np.abs(next(swapped) - next(swapped))

    seen, as_large = gap(np.zeros_like(total_M)), 0
    for _ in range(_PERMUTATIONS // _AT_ONCE):
        swaps = random.integers(0, 2, (_AT_ONCE, int(differing.sum()))).astype(np.float64)
        # sums in another order differ in the last bits
        as_large += int((gap(swaps @ gap_GM[differing]) >= seen * (1 - 1e-9)).sum())
    return (1 + as_large) / (1 + _PERMUTATIONS)


def binomial_p(hits: int, of: int) -> float:
    """Return the two-sided p of so many heads in so many throws of a fair coin; 1 of none."""
    if of == 0:
        return 1.0
    tail = range(min(hits, of - hits) + 1)
    logs = [math.lgamma(of + 1) - math.lgamma(k + 1) - math.lgamma(of - k + 1) - of * math.log(2) for k in tail]
    return min(1.0, 2 * math.fsum(math.exp(log) for log in logs))
