"""One training as a thing that can be stepped, stopped, saved and gone on with.

Everything random in step s of epoch e is a function of (seed, e, s): see `pellucid.seed`. So the state of a
training is its tensors and a few counters, and nothing else.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from pellucid.data.dataset import Dataset
from pellucid.data.images.augment import augmenter
from pellucid.errors import DataError, DivergedError
from pellucid.recipe import Recipe
from pellucid.record import Epoch, Step
from pellucid.seed import generator, seed_torch
from pellucid.shapes import Image
from pellucid.training.device import Device
from pellucid.training.evaluation import evaluate
from pellucid.training.optimizers import clip, make_optimizer, shrink, total_gradient_norm
from pellucid.training.schedules import Schedule, schedule
from pellucid.training.task import Task

_SAMPLED_STEPS = 1_000  # about as many step lines a record holds, whatever the length of the training


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


@dataclass(slots=True)
class Session:
    """A training: network, data, task and recipe (every choice made, see `defaults.fill_in`), and its state.

    `steps(session)` advances it; `progress`, `best_weights`, `network` and `optimizer` are its whole state.
    """

    network: nn.Module
    data: Dataset
    task: Task
    recipe: Recipe
    device: Device
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    forward: Callable[[Tensor], Tensor]
    augment: Callable[[Tensor, torch.Generator], Tensor] | None
    scaler: torch.amp.GradScaler
    stopping: bool = False  # set it to end the training after the step under way
    progress: Progress = field(default_factory=Progress)
    best_weights: dict[str, Tensor] = field(default_factory=dict)

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
    def finished(self) -> bool:
        """Whether all epochs are done, or early stopping ended them."""
        patience, progress = self.recipe.early_stopping, self.progress
        waited = progress.epoch - 1 - progress.best_epoch
        return progress.epoch > self.epochs or (patience is not None and waited >= patience)

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps in an epoch."""
        return _steps_per_epoch(len(self.data.rows["train"]), self.batch_size)

    @property
    def total_steps(self) -> int:
        """Optimiser steps in the whole training."""
        return self.epochs * self.steps_per_epoch


def open_session(network: nn.Module, data: Dataset, task: Task, recipe: Recipe, device: Device) -> Session:
    """Return a training at its beginning; the network is moved to the device.

    Args:
        network: gives `task.outputs` numbers a sample.
        data: its training split trains, its validation split judges each epoch.
        task: the loss to minimise and the metric that chooses the best weights.
        recipe: every choice made (see `defaults.fill_in`).
        device: where to compute.

    Raises:
        DataError: there are no validation rows.
    """
    if not len(data.rows["validation"]):
        raise DataError(
            "there are no validation rows to choose the best weights by",
            expected="a split such as 60:20:20, or 80:20 for training and validation",
            received=", ".join(f"{len(rows):,} {split}" for split, rows in data.rows.items()),
        )
    assert recipe.batch_size is not None
    assert recipe.epochs is not None
    assert recipe.learning_rate is not None
    network.to(device.device)
    per_epoch = _steps_per_epoch(len(data.rows["train"]), recipe.batch_size)
    words = recipe.augment or "none"
    return Session(
        network=network,
        data=data,
        task=task,
        recipe=recipe,
        device=device,
        optimizer=make_optimizer(network, recipe, recipe.learning_rate),
        schedule=schedule(recipe, recipe.epochs * per_epoch, per_epoch),
        forward=torch.compile(network) if recipe.compile else network,
        augment=augmenter(words, data.input_shape) if isinstance(data.input_shape, Image) and words != "none" else None,
        # scales the loss so that small fp16 gradients do not vanish; does nothing at other precisions
        scaler=torch.amp.GradScaler(device.device.type, enabled=recipe.precision == "fp16"),
    )


def steps(session: Session, every: int | None = None) -> Iterator[Step | Epoch]:
    """Train, yielding each sampled `Step` (one in `every`, by default about 1,000 in all) and each `Epoch`.

    The session's state is whole whenever this yields: stop here, save it, go on later from the same place.

    Raises:
        DivergedError: the loss is no longer finite.
    """
    return (event for event in advance(session, every) if event is not None)


def advance(session: Session, every: int | None = None) -> Iterator[Step | Epoch | None]:
    """Train as `steps` does, yielding after each optimiser step: None where it is not a sampled one."""
    every = every or max(1, session.total_steps // _SAMPLED_STEPS)
    progress = session.progress
    while not session.finished:
        order = epoch_order(session)
        session.network.train()
        while progress.batch < session.steps_per_epoch:
            rows = order[progress.batch * session.batch_size : (progress.batch + 1) * session.batch_size]
            sampled = (progress.step + 1) % every == 0
            gradient_norm = train_step(session, rows, measure=sampled)
            yield _sample(session, gradient_norm) if sampled else None
            if session.stopping:
                return
        yield _close_epoch(session)


def train_step(session: Session, rows_B: Tensor, *, measure: bool = True) -> float:
    """Take one optimiser step on the samples of some rows.

    Returns:
        The norm of the whole gradient before clipping; NaN where it was not to be measured.

    Raises:
        DivergedError: the loss is not finite; the weights are as they were.
    """
    progress, device, optimizer = session.progress, session.device, session.optimizer
    seed = session.recipe.seed
    seed_torch(seed, "step", progress.step)
    rate = _peak_rate(session) * session.schedule(progress.step)
    for group in optimizer.param_groups:
        group["lr"] = rate

    inputs_B, targets_B = session.data.batch(rows_B)
    inputs_B = inputs_B.to(device.device, non_blocking=True)
    targets_B = targets_B.to(device.device, non_blocking=True)
    if session.augment is not None:
        inputs_B = session.augment(inputs_B, generator(seed, "augment", progress.step, device=device.device))
    with device.autocast():
        loss = session.task.loss(session.forward(inputs_B), targets_B)
    value = loss.item()
    _require_finite(session, value)
    optimizer.zero_grad()
    session.scaler.scale(loss).backward()
    session.scaler.unscale_(optimizer)
    gradient_norm = total_gradient_norm(session.network) if measure else math.nan
    clip(session.network, session.recipe)
    session.scaler.step(optimizer)
    session.scaler.update()
    if session.recipe.l1:
        shrink(optimizer)

    progress.step += 1
    progress.batch += 1
    progress.loss_sum += value
    progress.loss_steps += 1
    progress.epoch_loss_sum += value
    return gradient_norm


def epoch_order(session: Session) -> Tensor:
    """Return the training rows in this epoch's order: a function of the seed and the epoch's number alone."""
    rows = session.data.rows["train"]
    shuffled = torch.randperm(len(rows), generator=generator(session.recipe.seed, "order", session.progress.epoch))
    return rows[shuffled]


def _steps_per_epoch(samples: int, batch_size: int) -> int:
    # A last batch of one sample is left out: batch normalisation has no variance to divide by there.
    whole, rest = divmod(samples, batch_size)
    return max(1, whole + (rest > 1))


def _peak_rate(session: Session) -> float:
    assert session.recipe.learning_rate is not None, "the recipe was not filled in"
    return session.recipe.learning_rate


def _sample(session: Session, gradient_norm: float) -> Step:
    progress, samples = session.progress, len(session.data.rows["train"])
    step = Step(
        step=progress.step,
        epoch=progress.epoch,
        loss=progress.loss_sum / progress.loss_steps,
        learning_rate=session.optimizer.param_groups[0]["lr"],
        gradient_norm=gradient_norm,
        samples=(progress.epoch - 1) * samples + min(progress.batch * session.batch_size, samples),
    )
    progress.loss_sum, progress.loss_steps = 0.0, 0
    return step


def _close_epoch(session: Session) -> Epoch:
    """Judge the epoch that ended on the validation split, keep the weights if they are the best, begin the next."""
    progress = session.progress
    loss = progress.epoch_loss_sum / session.steps_per_epoch
    validation = evaluate(session.network, session.data, session.task, "validation", session.device)
    _require_finite(session, validation["loss"])
    score = session.task.score(validation)
    best = progress.best is None or score > progress.best
    if best:
        progress.best, progress.best_epoch = score, progress.epoch
        session.best_weights = {name: t.detach().clone() for name, t in session.network.state_dict().items()}
    epoch = Epoch(epoch=progress.epoch, step=progress.step, loss=loss, validation=validation, best=best)
    progress.epoch += 1
    progress.batch = 0
    progress.epoch_loss_sum = 0.0
    return epoch


def _require_finite(session: Session, loss: float) -> None:
    if math.isfinite(loss):
        return
    raise DivergedError(
        f"training diverged in epoch {session.progress.epoch}: the loss is {loss}",
        expected="a finite loss",
        received=f"{loss} at a learning rate of {session.optimizer.param_groups[0]['lr']:.3g}",
        advice="try a tenth of the learning rate, or --clip-norm 1; --range-test suggests a rate",
    )
