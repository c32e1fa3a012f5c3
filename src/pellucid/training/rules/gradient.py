"""Gradient descent on the task's loss, by any of torch's optimisers."""

import math
from dataclasses import dataclass

from torch import Tensor

from pellucid.errors import DivergedError
from pellucid.training.optimizers import clip, shrink, total_gradient_norm
from pellucid.training.session import Rule, Session
from pellucid.training.tasks.task import Loss


@dataclass(frozen=True, slots=True)
class Gradient(Rule):
    """The usual rule: forward, loss, backward, clipping, one step of the optimiser.

    Attributes:
        loss: (outputs, targets) -> a scalar.
    """

    loss: Loss

    def step(self, session: Session, inputs_B: Tensor, targets_B: Tensor, *, measure: bool) -> tuple[float, float]:
        """Take one optimiser step."""
        with session.device.autocast():
            loss = self.loss(session.forward(inputs_B), targets_B)
        value = loss.item()
        require_finite(session, value)
        return value, descend(session, loss, measure=measure)


def descend(session: Session, loss: Tensor, *, measure: bool) -> float:
    """Take one optimiser step down the gradient of a loss and return the gradient's norm, NaN if not measured."""
    optimizer, scaler, recipe = session.optimizer, session.scaler, session.recipe
    assert optimizer is not None, "gradient descent needs an optimiser"
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    norm = total_gradient_norm(session.network) if measure else math.nan
    clip(session.network, recipe)
    scaler.step(optimizer)
    scaler.update()
    if recipe.l1:
        shrink(optimizer)
    return norm


def require_finite(session: Session, loss: float) -> None:
    """Refuse a loss that is not finite.

    Raises:
        DivergedError: with the epoch and the rate.
    """
    if math.isfinite(loss):
        return
    raise DivergedError(
        f"training diverged in epoch {session.progress.epoch}: the loss is {loss}",
        expected="a finite loss",
        received=f"{loss} at a learning rate of {session.learning_rate:.3g}",
        advice="try a tenth of the learning rate, or --clip-norm 1; --range-test suggests a rate",
    )
