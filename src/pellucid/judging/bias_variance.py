"""Whether a network learned too little (high bias) or too much by heart (high variance).

Errors are counted in the baseline's: 0 is perfect, 1 is as bad as no network. So one rule serves every metric: of a
share it is (1 - share) / (1 - baseline's), of R² likewise, of a loss or a squared error their quotient.
"""

import math
from dataclasses import dataclass
from typing import Literal

from pellucid.judging.judgement import BiasVariance, Estimate
from pellucid.judging.wording import is_share
from pellucid.judging.wording import metric as written
from pellucid.recipe import MetricName
from pellucid.training.tasks import HIGHER_IS_BETTER

Verdict = Literal["good", "high bias", "high variance", "high bias and high variance"]

_LARGE = 0.1
_NOTHING_LEARNED = 0.9
_MUCH = 0.3


@dataclass(frozen=True, slots=True)
class Attainable:
    """What was reached on held-out rows by other means, such as `randomised trees`."""

    name: str
    figure: Estimate


def bias_variance(
    metric: MetricName,
    train: float,
    held_out: Estimate,
    baseline: float,
    *,
    train_interval: Estimate | None = None,
    train_baseline: float | None = None,
    attainable: Attainable | None = None,
) -> BiasVariance:
    """Return the verdict on a network's figures on training rows and on others.

    High variance: the held-out error exceeds the training error by more than a tenth of the baseline's error, and by
    more than chance explains (1.96 standard errors of the difference, both sets of rows being samples).
    High bias: the training error is nearly the baseline's (nine tenths of it or more), or another method's error on
    held-out rows is below both of the network's by more than a tenth of the baseline's, beyond chance. A training error
    that is merely large proves nothing: the rest may be noise. Both after Ng, "Machine Learning
    Yearning" (2018), chapters 20 to 27, where a person's error stands for what is attainable.

    Args:
        metric: of all the figures.
        train: on training rows.
        held_out: on others.
        baseline: without a network, on the others.
        train_interval: of the training figure, where it is known.
        train_baseline: without a network, on the training rows (default: as on the others); a series may be harder to
            forecast in one year than in another.
        attainable: what another method reached on the others, where one was tried.
    """
    scale = abs(error_of(metric, baseline)) or 1.0
    train_scale = scale if train_baseline is None else abs(error_of(metric, train_baseline)) or 1.0
    train_error, held_error = error_of(metric, train) / train_scale, error_of(metric, held_out.value) / scale
    train_width = 0.0 if train_interval is None else _half_width(train_interval) / train_scale
    gap, width = held_error - train_error, math.hypot(_half_width(held_out) / scale, train_width)
    least = math.inf if attainable is None else _most(metric, attainable.figure) / scale
    avoidable = min(train_error, held_error) - least > _LARGE
    bias, variance = avoidable or train_error >= _NOTHING_LEARNED, gap > _LARGE and gap > width
    verdict = _VERDICTS[bias, variance]
    words = _Words(metric, train, held_out.value, train_error, held_error, scale, attainable, avoidable)
    return BiasVariance(metric, train, held_out, baseline, verdict, words.explanation(verdict))


_VERDICTS: dict[tuple[bool, bool], Verdict] = {
    (False, False): "good",
    (True, False): "high bias",
    (False, True): "high variance",
    (True, True): "high bias and high variance",
}


@dataclass(frozen=True, slots=True)
class _Words:
    """A verdict's figures: as the metric has them, and as shares of the error without a network."""

    metric: MetricName
    train: float
    held_out: float
    train_error: float
    held_error: float
    scale: float
    attainable: Attainable | None
    avoidable: bool

    def explanation(self, verdict: Verdict) -> str:
        """Return why the verdict is what it is, and what to try."""
        train, held_out = self._said(self.train, self.train_error), self._said(self.held_out, self.held_error)
        unit = "" if is_share(self.metric) else "; in brackets as shares of the error without a network"
        compared = f"{self.metric} {train} on rows it learned from, {held_out} on others{unit}"
        match verdict:
            case "high variance":
                return (
                    f"{compared}: it learned the training rows by heart more than what they have in common. Try more "
                    "data, augmentation, more regularisation (--weight-decay, dropout) or a smaller network."
                )
            case "high bias":
                return (
                    f"{compared}: {self._too_little()}. Try a larger network, longer training, another learning rate "
                    "(--range-test) or less regularisation; if nothing helps, the inputs may not say more."
                )
            case "high bias and high variance":
                return (
                    f"{compared}: {self._too_little()}, and does much worse still on new rows. First find a network "
                    "that fits (larger, trained longer), then give it more data or regularisation."
                )
        holds = f"{compared}: it holds on new rows what it learned."
        if self.attainable is None or self.held_error < _MUCH or abs(self.held_error - self.train_error) > _LARGE:
            return holds
        return (
            f"{holds} As much is wrong on both, and no plain method does much better: what is left may be noise, which "
            "other inputs could explain, but hardly a larger network."
        )

    def _too_little(self) -> str:
        if self.attainable is None or not self.avoidable:
            return "on those it learned from it does hardly better than no network"
        value = self.attainable.figure.value
        best = self._said(value, error_of(self.metric, value) / self.scale)
        return f"it fits less than there is to learn, for {self.attainable.name} had {best} on the others"

    def _said(self, value: float, share: float) -> str:
        return written(self.metric, value) + ("" if is_share(self.metric) else f" ({100 * share:.0f} %)")


def error_of(metric: MetricName, value: float) -> float:
    """Return a metric as an error, 0 at best: 1 - metric where more is better."""
    return 1 - value if metric in HIGHER_IS_BETTER else value


def _most(metric: MetricName, figure: Estimate) -> float:
    """Return the largest error that a figure's interval leaves room for."""
    bound = figure.low if metric in HIGHER_IS_BETTER else figure.high
    return error_of(metric, bound if math.isfinite(bound) else figure.value)


def _half_width(estimate: Estimate) -> float:
    """Return half of an interval's width; a figure without one is taken to be exact."""
    half = (estimate.high - estimate.low) / 2
    return half if math.isfinite(half) else 0.0
