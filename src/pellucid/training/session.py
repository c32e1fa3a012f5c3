"""What a training is: its state, and the rule by which a step changes it.

Everything random in step s of epoch e is a function of (seed, e, s): see `pellucid.seed`. So the state of a
training is its tensors and a few counters, and nothing else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn

from pellucid.data.dataset import Dataset
from pellucid.recipe import Recipe
from pellucid.seed import generator
from pellucid.training.device import Device
from pellucid.training.optimizers import make_optimizer
from pellucid.training.ranks import ALONE, Ranks
from pellucid.training.schedules import Schedule
from pellucid.training.tasks import Task


@dataclass(slots=True)
class Progress:
    """How far a training is: all that changes besides the weights and the optimiser's state.

    Attributes:
        step: optimiser steps done.
        epoch: the epoch under way, from 1.
        batch: batches of that epoch done.
        loss_sum, loss_steps: of the steps since the last sampled one.
        epoch_loss_sum: of this epoch's steps.
        best: score of the best epoch so far (higher is better), and its number.
    """

    step: int = 0
    epoch: int = 1
    batch: int = 0
    loss_sum: float = 0.0
    loss_steps: int = 0
    epoch_loss_sum: float = 0.0
    best: tuple[float, float] | None = None
    best_epoch: int = 0

    def count(self, loss: float) -> None:
        """Count a step, which was down this loss."""
        self.step += 1
        self.batch += 1
        self.loss_sum += loss
        self.loss_steps += 1
        self.epoch_loss_sum += loss


class Audience(Protocol):
    """Who hears through torch what a training does: its calls of modules, its losses and backward passes."""

    @property
    def hears(self) -> bool:
        """Whether the step to come is listened to."""

    def skip(self) -> None:
        """Count a backward pass that was made where it could not be heard."""


@dataclass(slots=True)
class Session:
    """A training: network, data, task and recipe (every choice made, see `defaults.fill_in`), and its state.

    `steps(session)` advances it; `progress`, `best_weights`, `carried`, `network` and `optimizer` are its whole state.
    """

    network: nn.Module
    data: Dataset
    task: Task
    recipe: Recipe
    device: Device
    rule: Rule
    optimizer: torch.optim.Optimizer | None
    schedule: Schedule
    forward: Callable[[Tensor], Tensor]
    augment: Callable[[Tensor, torch.Generator], Tensor] | None
    scaler: torch.amp.GradScaler
    channels_last: bool = False  # whether the steps' images have their channels side by side in memory
    ranks: Ranks = ALONE  # see `train_together`
    # where no rank has the whole network (see `shards`): puts tensors together from all parts; every rank has to ask
    together: Callable[[Mapping[str, Tensor]], dict[str, Tensor]] | None = None
    # gives every parameter the gradient of a batch's loss, which it returns, unheard; where there is such a short way
    backpropagate: Callable[[Tensor, Tensor], Tensor] | None = None
    audience: Audience | None = None  # is asked before each step whether it may go the short way
    stopping: bool = False  # set it to end the training after the step under way
    progress: Progress = field(default_factory=Progress)
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    carried: dict[str, Tensor] = field(default_factory=dict)  # what recurrent layers take from a batch into the next

    @property
    def is_shared_out(self) -> bool:
        """Whether each rank holds a part of every weight, and none the whole."""
        return self.together is not None

    @property
    def batch_size(self) -> int:
        """Samples a step."""
        assert self.recipe.batch_size is not None, "the recipe was not filled in"
        return self.recipe.batch_size

    @property
    def epochs(self) -> int:
        """Epochs asked for."""
        assert self.recipe.epochs is not None, "the recipe was not filled in"
        return self.recipe.epochs

    @property
    def learning_rate(self) -> float:
        """Rate of the step done last; 0 for a rule that follows no gradient."""
        return float(self.optimizer.param_groups[0]["lr"]) if self.optimizer is not None else 0.0

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or early stopping or the rule ended them."""
        patience, progress = self.recipe.early_stopping, self.progress
        waited = progress.epoch - 1 - progress.best_epoch
        stopped = (patience is not None and waited >= patience) or self.rule.finished(self)
        return progress.epoch > self.epochs or stopped

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps in an epoch."""
        return steps_per_epoch(len(self.data.rows["train"]), self.batch_size)

    @property
    def total_steps(self) -> int:
        """Optimiser steps in the whole training."""
        return self.epochs * self.steps_per_epoch


class Rule(ABC):
    """A learning rule; the loop, the record, the checkpoints and the report are the same for all.

    A rule keeps no state of its own: what must survive a checkpoint lies in the network's parameters and buffers, in
    the session's optimiser and in what it carries. What it draws comes from torch's global stream, which each step
    seeds anew.

    Attributes:
        pools: whether processes that each step on a part of a batch take the same step (see `ranks`).
    """

    pools: ClassVar[bool] = False

    def optimizer(self, network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer | None:
        """Return the optimiser that the steps use, or None where weights are not followed down a gradient."""
        assert recipe.learning_rate is not None, "the recipe was not filled in"
        return make_optimizer(network, recipe, recipe.learning_rate)

    def begin(self, session: Session) -> None:  # noqa: B027 (nothing is a sound default)
        """Set what is to be set from the data before the first step; nothing, for most rules."""

    def finished(self, session: Session) -> bool:  # noqa: ARG002 (few rules know)
        """Say whether nothing is left to learn: the training ends with the epoch, and its weights win a tie."""
        return False

    def notes(self, session: Session) -> tuple[str, ...]:  # noqa: ARG002 (few rules have any)
        """Return what is to be said: before the first step of what is to come, later of what came of it."""
        return ()

    def order(self, session: Session) -> Tensor:
        """Return the training rows in this epoch's order, which only the seed and the epoch's number may decide."""
        rows = session.data.rows["train"]
        shuffled = torch.randperm(len(rows), generator=generator(session.recipe.seed, "order", session.progress.epoch))
        return rows[shuffled]

    @abstractmethod
    def step(self, session: Session, inputs_B: Tensor, targets_B: Tensor, *, measure: bool) -> tuple[float, float]:
        """Change the network by one step on a batch.

        Returns:
            The loss, and the norm of the whole gradient before clipping; NaN where it was not to be measured.

        Raises:
            DivergedError: the loss is not finite; the weights are as they were.
        """


def steps_per_epoch(samples: int, batch_size: int) -> int:
    """Return how many batches an epoch has."""
    # A last batch of one sample is left out: batch normalisation has no variance to divide by there.
    whole, rest = divmod(samples, batch_size)
    return max(1, whole + (rest > 1))
