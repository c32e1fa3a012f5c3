"""The loop: a session opened and stepped; what it yields is the record."""

import warnings
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from pellucid.data.dataset import Dataset
from pellucid.data.images.augment import augmenter
from pellucid.errors import DataError, OptionError
from pellucid.recipe import Recipe
from pellucid.record import Epoch, Step
from pellucid.seed import generator, seed_torch
from pellucid.shapes import Image
from pellucid.training.backpropagation import chain_of
from pellucid.training.channels import channels_last, is_faster_channels_last
from pellucid.training.device import Device
from pellucid.training.evaluation import evaluate
from pellucid.training.ranks import Ranks, parts_of_weights, require_one_process
from pellucid.training.rules import rule_for
from pellucid.training.rules.gradient import require_finite
from pellucid.training.schedules import schedule
from pellucid.training.session import Session, steps_per_epoch
from pellucid.training.tasks import Task
from pellucid.training.tasks.supervised import Supervised
from pellucid.training.transfer import hold_still

_SAMPLED_STEPS = 1_000  # about as many step lines a record holds, whatever the length of the training


def open_session(network: nn.Module, data: Dataset, task: Task, recipe: Recipe, device: Device) -> Session:
    """Return a training at its beginning; the network is moved to the device.

    Args:
        network: gives what `task.answer` says for a sample.
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
    if parts_of_weights(shard=recipe.shard) == 1:  # else it goes there part by part
        network.to(device.device)
    rule = rule_for(network, task, recipe)
    per_epoch = steps_per_epoch(len(data.rows["train"]), recipe.batch_size)
    words = recipe.augment or "none"
    return Session(
        network=network,
        data=data,
        task=task,
        recipe=recipe,
        device=device,
        rule=rule,
        optimizer=rule.optimizer(network, recipe),
        schedule=schedule(recipe, recipe.epochs * per_epoch, per_epoch),
        forward=torch.compile(network) if recipe.compile else network,
        channels_last=isinstance(task, Supervised) and is_faster_channels_last(network, device),
        augment=augmenter(words, data.input_shape) if isinstance(data.input_shape, Image) and words != "none" else None,
        # scales the loss so that small fp16 gradients do not vanish; does nothing at other precisions
        scaler=torch.amp.GradScaler(device.device.type, enabled=recipe.precision == "fp16"),
    )


def train_together(session: Session, ranks: Ranks) -> None:
    """Let a session's steps be those of all ranks, each of which has such a session at the same place.

    Each has the whole network; `shards.share_out` leaves each a part of it.

    Raises:
        OptionError: its rule is for one process, or its network is compiled.
    """
    if ranks.count == 1:
        return
    require_common_steps(session, ranks)
    session.ranks = ranks
    on_gpu = session.device.device.type == "cuda"
    # said of a convolution's kernels of one channel, whose strides can be written in two ways
    warnings.filterwarnings("ignore", message="Grad strides do not match bucket view strides")
    session.forward = DistributedDataParallel(session.network, device_ids=[session.device.device] if on_gpu else None)


def require_common_steps(session: Session, ranks: Ranks) -> None:
    """Refuse a training whose steps several processes cannot take together.

    Raises:
        OptionError: its rule is for one process, or its network is compiled.
    """
    if ranks.count > 1 and not session.rule.pools:
        require_one_process(f"training by the rule {type(session.rule).__name__.lower()}")
    if ranks.count > 1 and session.recipe.compile:
        require_one_process("--compile")
    if ranks.count > 1 and session.recipe.freeze is not None:
        require_one_process("--freeze")
    if session.recipe.shard and session.recipe.precision == "fp16":
        raise OptionError(
            "--shard does not scale losses",
            expected="--precision float32 or bf16 beside it",
            received="--precision fp16",
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
    every = every or sampled_every(session)
    progress = session.progress
    while not session.finished:
        order = epoch_order(session)
        session.network.train()
        hold_still(session.network, session.recipe, progress.epoch)
        session.backpropagate = chain_of(session)
        while progress.batch < session.steps_per_epoch:
            rows = order[progress.batch * session.batch_size : (progress.batch + 1) * session.batch_size]
            sampled = (progress.step + 1) % every == 0
            gradient_norm = train_step(session, rows, measure=sampled)
            yield sample(session, gradient_norm) if sampled else None
            if session.ranks.any(session.stopping):
                session.stopping = True
                return
        yield close_epoch(session, _validated(session))


def _validated(session: Session) -> dict[str, float]:
    """Return how the network does on the validation split, as the first rank finds: alone if it has the whole."""

    def judge() -> dict[str, float]:
        return evaluate(session.network, session.data, session.task, "validation", session.device)

    if not session.is_shared_out:
        return session.ranks.from_first(judge)
    found = judge()  # to which every rank gives its parts
    return session.ranks.from_first(lambda: found)


def train_step(session: Session, rows_B: Tensor, *, measure: bool = True) -> float:
    """Take one step of the session's rule on the samples of some rows.

    Returns:
        The norm of the whole gradient before clipping; NaN where it was not to be measured.

    Raises:
        DivergedError: the loss is not finite; the weights are as they were.
    """
    progress, device, ranks = session.progress, session.device, session.ranks
    seed = session.recipe.seed
    seed_torch(seed, "step", progress.step, *ranks.names)
    if session.optimizer is not None:
        set_rate(session)
    inputs_B, targets_B = session.data.batch(ranks.share(rows_B))
    inputs_B = inputs_B.to(device.device, non_blocking=True)
    targets_B = targets_B.to(device.device, non_blocking=True)
    if (augment := session.augment) is not None:
        drawn_from = generator(seed, "augment", progress.step, device=device.device)
        inputs_B = ranks.as_of_whole(lambda whole_B: augment(whole_B, drawn_from), inputs_B, len(rows_B))
    if session.channels_last:
        inputs_B = channels_last(inputs_B)
    loss, gradient_norm = session.rule.step(session, inputs_B, targets_B, measure=measure)
    progress.count(loss)
    return gradient_norm


def epoch_order(session: Session) -> Tensor:
    """Return the training rows in this epoch's order: a function of the seed and the epoch's number alone."""
    return session.rule.order(session)


def set_rate(session: Session) -> float:
    """Set the learning rate of the step to come, and return it."""
    assert session.recipe.learning_rate is not None, "the recipe was not filled in"
    assert session.optimizer is not None, "gradient descent needs an optimiser"
    rate = session.recipe.learning_rate * session.schedule(session.progress.step)
    for group in session.optimizer.param_groups:
        group["lr"] = rate * group.get("share", 1.0)
    return rate


def sampled_every(session: Session) -> int:
    """Return how many steps lie between two sampled ones, so that about 1,000 are."""
    return max(1, session.total_steps // _SAMPLED_STEPS)


def sample(session: Session, gradient_norm: float) -> Step:
    """Return the step just done, with the mean loss since the last such."""
    progress, samples = session.progress, len(session.data.rows["train"])
    step = Step(
        step=progress.step,
        epoch=progress.epoch,
        loss=progress.loss_sum / progress.loss_steps,
        learning_rate=session.learning_rate,
        gradient_norm=gradient_norm,
        samples=(progress.epoch - 1) * samples + min(progress.batch * session.batch_size, samples),
    )
    progress.loss_sum, progress.loss_steps = 0.0, 0
    return step


def close_epoch(session: Session, validation: Mapping[str, float]) -> Epoch:
    """Take in how the network did on the validation split, keep its weights if they are the best, begin the next epoch.

    Raises:
        DivergedError: the validation loss is not finite.
    """
    progress = session.progress
    loss = progress.epoch_loss_sum / session.steps_per_epoch
    require_finite(session, validation["loss"])
    score = session.task.score(validation)
    best = progress.best is None or score > progress.best
    if progress.best is not None and session.rule.finished(session):
        best = score[0] >= progress.best[0]  # what the rule was after has come, whatever the loss
    if best:
        progress.best, progress.best_epoch = score, progress.epoch
        session.best_weights = {name: t.detach().clone() for name, t in session.network.state_dict().items()}
    epoch = Epoch(epoch=progress.epoch, step=progress.step, loss=loss, validation=validation, best=best)
    progress.epoch += 1
    progress.batch = 0
    progress.epoch_loss_sum = 0.0
    return epoch
