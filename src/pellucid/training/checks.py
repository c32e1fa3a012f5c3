"""Two tests before a training: can the network learn one batch by heart, and which learning rate suits it.

Both work on a copy of the network, so that the training itself begins as if they had not been.
"""

import copy
import dataclasses
import math
import statistics
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from pellucid.blocks import GaussianNoise
from pellucid.data.dataset import Itself, Labels, Target, Values
from pellucid.errors import OptionError, RunError
from pellucid.recipe import Recipe
from pellucid.training.loop import epoch_order, open_session, train_step
from pellucid.training.rules import Gradient, Reconstructing
from pellucid.training.session import Session
from pellucid.training.tasks import MultiTask, task_for

_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)
_LOWEST, _HIGHEST = 1e-7, 10.0
_SMOOTHING = 0.9  # weight of the past in the exponentially weighted average of the loss
_DIVERGED = 4.0  # stop when the loss is so many times its best (as fastai's finder does)


@dataclass(frozen=True, slots=True)
class Overfitting:
    """What came of training on one batch again and again."""

    first_loss: float
    last_loss: float
    threshold: float
    steps: int

    @property
    def passed(self) -> bool:
        """Whether the batch was learned by heart."""
        return self.last_loss < self.threshold

    def __str__(self) -> str:
        verdict = "learned by heart" if self.passed else "NOT learned"
        return f"one batch {verdict}: loss {self.first_loss:.3g} to {self.last_loss:.3g} in {self.steps} steps"


@dataclass(frozen=True, slots=True)
class RangeTest:
    """The loss at each learning rate tried, and the rate to take.

    Attributes:
        rates: ascending.
        losses: at each, averaged exponentially and corrected for the average's beginning at 0.
        suggestion: where the loss is half way down.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    suggestion: float

    @property
    def steepest(self) -> float:
        """The rate at which the loss falls fastest, d loss / d log(rate), before it is least."""
        slopes = np.gradient(np.asarray(self.losses), np.log(self.rates))
        return self.rates[int(np.argmin(slopes[: self._lowest + 1]))]

    def before_minimum(self, share: float = 0.1) -> float:
        """Return so large a share of the rate at which the loss is least, which is on the verge of divergence."""
        return share * self.rates[self._lowest]

    @property
    def _lowest(self) -> int:
        return int(np.argmin(self.losses))

    def __str__(self) -> str:
        return f"range test over {len(self.rates)} rates suggests --learning-rate {self.suggestion:.2g}"


def overfit_one_batch(session: Session, steps: int = 300) -> Overfitting:
    """Train a copy on the first batch alone, with no schedule and nothing that regularises.

    A network that can express the task and whose gradients flow brings the loss of one batch near zero: the
    threshold is a tenth of the loss of the best constant answer (the batch's entropy, or its targets' variance).
    """
    bare = dataclasses.replace(session.recipe, weight_decay=0.0, l1=0.0, augment="none", label_smoothing=0.0)
    copied = _copy(session, bare)
    for module in copied.network.modules():
        if isinstance(module, _DROPOUTS):
            module.p = 0.0
        elif isinstance(module, GaussianNoise):
            module.deviation = 0.0
    rows = epoch_order(session)[: session.batch_size]
    threshold = 0.1 * _constant_loss(session, rows)
    first = last = math.nan
    taken = 0
    while taken < steps:
        copied.progress.loss_sum = 0.0
        train_step(copied, rows, measure=False)
        last = copied.progress.loss_sum
        first = last if taken == 0 else first
        taken += 1
        if last < threshold / 2:
            break
    return Overfitting(first_loss=first, last_loss=last, threshold=threshold, steps=taken)


def range_test(session: Session, steps: int = 200) -> RangeTest:
    """Raise the rate of a copy geometrically from 1e-7 to 10, a step each; suggest where the loss is half way down.

    The test is Smith's (2017, "Cyclical learning rates", section 3.3). He reads the rate off the curve where it
    falls; half way between the level at the lowest rates and the minimum is that place, whatever the noise.

    Raises:
        RunError: the loss falls at no rate.
    """
    copied = _copy(session, session.recipe)
    order = epoch_order(session)
    batches = [rows for rows in order.split(session.batch_size) if len(rows) > 1]
    rates, losses = [], []
    average, best = 0.0, math.inf
    for step in range(steps):
        rate = _LOWEST * (_HIGHEST / _LOWEST) ** (step / (steps - 1))
        copied.recipe = dataclasses.replace(copied.recipe, learning_rate=rate)
        copied.progress.loss_sum = 0.0
        try:
            train_step(copied, batches[step % len(batches)], measure=False)
        except RunError:  # the loss is not finite: no higher rate needs trying
            break
        average = _SMOOTHING * average + (1 - _SMOOTHING) * copied.progress.loss_sum
        smoothed = average / (1 - _SMOOTHING ** (step + 1))
        best = min(best, smoothed)
        rates.append(rate)
        losses.append(smoothed)
        if smoothed > _DIVERGED * best:
            break
    return RangeTest(tuple(rates), tuple(losses), _half_way_down(rates, losses))


def _half_way_down(rates: list[float], losses: list[float]) -> float:
    lowest = min(range(len(losses)), key=losses.__getitem__)
    # at the lowest rates nothing is learned: what the loss does there is the noise of the batches
    quiet = losses[: max(2, len(losses) // 4)]
    level, noise = statistics.median(quiet), statistics.pstdev(quiet)
    fall = level - losses[lowest]
    if not fall > max(3 * noise, 1e-3 * abs(level)):
        raise RunError(
            "the range test found no learning rate at which the loss falls",
            expected="a fall that stands out from the noise of the batches",
            received=f"{fall:.3g}, with a noise of {noise:.3g}",
            advice="try --overfit-one-batch: it tells whether the network can learn at all",
        )
    return next(rate for rate, loss in zip(rates, losses, strict=True) if loss <= level - fall / 2)


def _constant_loss(session: Session, rows: Tensor) -> float:
    """Return the batch's loss under the best constant answer: class entropy, or variance of the targets."""
    if isinstance(session.task, MultiTask):
        several = session.task.target
        parts = {name: several.of(name, session.data.targets[rows]) for name in several.parts}
        weights = session.task.weights
        return sum(weights[name] * _constant_loss_of(several.parts[name], part) for name, part in parts.items())
    if isinstance(session.task.target, Itself):
        return _constant_loss_of(session.task.target, session.data.batch(rows)[0])
    return _constant_loss_of(session.task.target, session.data.targets[rows])


def _constant_loss_of(target: Target, targets: Tensor) -> float:
    if isinstance(target, Labels):
        shares_K = targets.mean(0)
        return max(float((torch.special.entr(shares_K) + torch.special.entr(1 - shares_K)).mean()), 1e-3)
    if isinstance(target, Values | Itself):
        return max(float(targets.var(0, correction=0).mean()), 1e-3)
    shares = torch.bincount(targets.flatten().long()) / targets.numel()
    return max(float(torch.special.entr(shares).sum()), 1e-3)


def _copy(session: Session, recipe: Recipe) -> Session:
    """Return a fresh session on a copy of the network; compiling it would cost more than the test."""
    recipe = dataclasses.replace(recipe, compile=False, schedule="constant")
    if not isinstance(session.rule, Gradient | Reconstructing):
        raise OptionError(
            f"a {session.task.name} has no loss that one step lowers, so there is nothing to check beforehand",
            expected="a network that learns by gradient descent on one loss",
            received=type(session.rule).__name__.lower(),
            advice="leave --range-test and --overfit-one-batch out",
        )
    task = task_for(session.data, recipe)
    return open_session(copy.deepcopy(session.network), session.data, task, recipe, session.device)
