"""Whether a network learned too little (high bias) or too much by heart (high variance).

Errors are counted in the baseline's: 0 is perfect, 1 is as bad as no network. So one rule serves every metric: of a
share it is (1 - share) / (1 - baseline's), of R² likewise, of a loss or a squared error their quotient.
"""

import math
from dataclasses import dataclass
from typing import Literal

from pellucid.judging.judgement import BiasVariance, Estimate
from pellucid.judging.wording import figure, is_share
from pellucid.recipe import MetricName
from pellucid.training.task import HIGHER_IS_BETTER

Verdict = Literal["good", "high bias", "high variance", "high bias and high variance"]

_LARGE = 0.1
_NOTHING_LEARNED = 0.9


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
    held-out rows is below the network's training error by more than a tenth of the baseline's, beyond chance. A
    training error that is merely large proves nothing: the rest may be noise. Both after Ng, "Machine Learning
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
    scale = abs(_error(metric, baseline)) or 1.0
    train_scale = scale if train_baseline is None else abs(_error(metric, train_baseline)) or 1.0
    train_error, held_error = _error(metric, train) / train_scale, _error(metric, held_out.value) / scale
    width = math.hypot(_half_width(held_out), 0.0 if train_interval is None else _half_width(train_interval)) / scale
    gap = held_error - train_error
    variance = gap > _LARGE and gap > width
    avoidable = 0.0 if attainable is None else train_error - _least(metric, attainable.figure) / scale
    bias = train_error >= _NOTHING_LEARNED or avoidable > _LARGE
    verdict = _VERDICTS[bias, variance]
    told = _Figures(metric, train, held_out.value, baseline, attainable)
    return BiasVariance(metric, train, held_out, baseline, verdict, told.explanation(verdict, avoidable > _LARGE))


_VERDICTS: dict[tuple[bool, bool], Verdict] = {
    (False, False): "good",
    (True, False): "high bias",
    (False, True): "high variance",
    (True, True): "high bias and high variance",
}


@dataclass(frozen=True, slots=True)
class _Figures:
    metric: MetricName
    train: float
    held_out: float
    baseline: float
    attainable: Attainable | None

    def explanation(self, verdict: Verdict, avoidable: bool) -> str:
        """Return why the verdict is what it is, and what to try."""
        train, held_out = self._said(self.train), self._said(self.held_out)
        without = f" and {self._said(self.baseline)} without a network" if not is_share(self.metric) else ""
        compared = f"{self.metric} {train} on rows it learned from, {held_out} on others{without}"
        match verdict:
            case "high variance":
                return (
                    f"{compared}: it learned the training rows by heart more than what they have in common. Try more "
                    "data, augmentation, more regularisation (--weight-decay, dropout) or a smaller network."
                )
            case "high bias":
                return f"{compared}: {self._too_little(avoidable)}. {_STRONGER}"
            case "high bias and high variance":
                return (
                    f"{compared}: {self._too_little(avoidable)}, and does much worse still on new rows. First find a "
                    "network that fits (larger, trained longer), then give it more data or regularisation."
                )
        rest = " What remains wrong is nearly the same on both, so neither a larger network nor more regularisation "
        rest += "is known to help; better inputs may."
        alike = abs(_error(self.metric, self.held_out) - _error(self.metric, self.train))
        left = _error(self.metric, self.held_out) > 0.2 * abs(_error(self.metric, self.baseline))
        tail = rest if left and alike < 0.05 * abs(_error(self.metric, self.baseline)) else ""
        return f"{compared}: it fits what it learned from, and holds on new rows.{tail}"

    def _too_little(self, avoidable: bool) -> str:
        if avoidable and self.attainable is not None:
            best = self._said(self.attainable.figure.value)
            return f"it fits less than there is to learn, for {self.attainable.name} reaches {best} on the others"
        return f"on those it learned from it does hardly better than no network ({self._said(self.baseline)})"

    def _said(self, value: float) -> str:
        return figure(self.metric, value)


_STRONGER = (
    "Try a larger network, longer training, another learning rate (--range-test) or less regularisation; if nothing "
    "helps, the inputs may not say more."
)


def _error(metric: MetricName, value: float) -> float:
    return 1 - value if metric in HIGHER_IS_BETTER else value


def _least(metric: MetricName, figure: Estimate) -> float:
    """Return the largest error that a figure's interval leaves room for."""
    bound = figure.low if metric in HIGHER_IS_BETTER else figure.high
    return _error(metric, bound if math.isfinite(bound) else figure.value)


def _half_width(estimate: Estimate) -> float:
    """Return half of an interval's width; a figure without one is taken to be exact."""
    half = (estimate.high - estimate.low) / 2
    return half if math.isfinite(half) else 0.0
