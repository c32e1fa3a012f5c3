"""Gradient descent on the task's loss, by any of torch's optimisers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from pellucid.errors import DivergedError, OptionError
from pellucid.networks import MAIN, main_output
from pellucid.training.optimizers import clip, shrink, total_gradient_norm
from pellucid.training.session import Rule, Session
from pellucid.training.tasks.task import Loss

AUXILIARY = 0.3


@dataclass(frozen=True, slots=True)
class Gradient(Rule):
    """The usual rule: forward, loss, backward, clipping, one step of the optimiser.

    Attributes:
        loss: (outputs, targets) -> a scalar.
        of_all_heads: whether it is the loss of all that the network gives, and no head is an auxiliary one.
    """

    loss: Loss
    of_all_heads: bool = False
    pools: ClassVar[bool] = True

    def loss_of(self, outputs: Tensor | Mapping[str, Tensor], targets_B: Tensor) -> Tensor:
        """Return the loss of what the network gives for a batch, a scalar."""
        return self.loss(outputs, targets_B) if self.of_all_heads else total_loss(self.loss, outputs, targets_B)

    def step(self, session: Session, inputs_B: Tensor, targets_B: Tensor, *, measure: bool) -> tuple[float, float]:
        """Take one optimiser step."""
        audience, backpropagate = session.audience, session.backpropagate
        if backpropagate is not None and not (audience is not None and audience.hears):
            value = backpropagate(inputs_B, targets_B).item()
            require_finite(session, value)
            if audience is not None:
                audience.skip()
            return value, _follow(session, measure=measure)
        with session.device.autocast():
            loss = self.loss_of(session.forward(inputs_B), targets_B)
        _require_gradient(loss)
        value, factor = session.ranks.pooled(loss, len(inputs_B))
        require_finite(session, value)
        return value, descend(session, loss if factor == 1 else loss * factor, measure=measure)


def total_loss(loss: Loss, outputs: Tensor | Mapping[str, Tensor], targets_B: Tensor) -> Tensor:
    """Return the loss, of the main output plus 0.3 times that of each auxiliary head where there are any.

    The weight is that of Szegedy et al., "Going deeper with convolutions" (2015), section 5.
    """
    if not isinstance(outputs, Mapping):
        return loss(outputs, targets_B)
    auxiliary = [loss(output, targets_B) for name, output in outputs.items() if name != MAIN]
    return loss(main_output(outputs), targets_B) + AUXILIARY * sum(auxiliary)


def descend(session: Session, loss: Tensor, *, measure: bool) -> float:
    """Take one optimiser step down the gradient of a loss and return the gradient's norm, NaN if not measured."""
    assert session.optimizer is not None, "gradient descent needs an optimiser"
    session.optimizer.zero_grad()
    session.scaler.scale(loss).backward()
    session.scaler.unscale_(session.optimizer)
    return _follow(session, measure=measure)


def _follow(session: Session, *, measure: bool) -> float:
    """Take one optimiser step down the gradients that the parameters have, and return their norm as `descend` does."""
    optimizer, scaler, recipe = session.optimizer, session.scaler, session.recipe
    assert optimizer is not None, "gradient descent needs an optimiser"
    norm = total_gradient_norm(session.network) if measure else math.nan
    clip(session.network, recipe)
    scaler.step(optimizer)
    scaler.update()
    if recipe.l1:
        shrink(optimizer)
    return norm


def _require_gradient(loss: Tensor) -> None:
    """Refuse a network through which no gradient passes to anything that is trained.

    Raises:
        OptionError: such as one that ends in a step.
    """
    if not loss.requires_grad:
        raise OptionError(
            "no gradient passes through this network",
            expected="an output that changes smoothly with some weight",
            received="an output that does not, as behind a step",
            advice="leave the step out, or train fc(...) -> step by --rule perceptron",
        )


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
