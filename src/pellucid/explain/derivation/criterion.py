"""Which loss is meant: by a name, or by torch's own module."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.errors import DataError, OptionError, nearest
from pellucid.explain.derivation.losses import (
    BinaryCrossEntropy,
    BinaryCrossEntropyOfProbabilities,
    CrossEntropy,
    SquaredError,
)
from pellucid.explain.derivation.operation import Operation
from pellucid.explain.derivation.unwritten import Unwritten

LossName = Literal["half-squared-error", "squared-error", "cross-entropy", "binary-cross-entropy"]
LossLike: TypeAlias = LossName | nn.Module
NAMES: tuple[LossName, ...] = ("half-squared-error", "squared-error", "cross-entropy", "binary-cross-entropy")


@dataclass(frozen=True, slots=True)
class Criterion:
    """A loss as a written operation, and as torch computes it.

    Attributes:
        operation: outputs and targets -> E.
        reference: the same by torch.
        targets: as both take them; of several outputs a tuple.
    """

    operation: Operation
    reference: Callable[[Any, Any], Tensor]
    targets: Tensor | tuple[Tensor, ...]


def criterion(loss: LossLike | None, outputs: Tensor, targets: Tensor, samples: int) -> Criterion:
    """Return the loss that is meant.

    Args:
        loss: a name of `NAMES`, a loss module, or None: cross-entropy of whole numbers, else the squared error.
        outputs: what the network gives.
        targets: what it should give.
        samples: m, over which the half squared error takes the mean.

    Raises:
        OptionError: no loss has this name, or a loss module gives no single number.
        DataError: outputs and targets do not fit together.
    """
    if isinstance(loss, nn.Module):
        return _of_module(loss, outputs, _as_numbers(targets, outputs))
    if loss is None:
        loss = "squared-error" if targets.is_floating_point() else "cross-entropy"
    if loss not in NAMES:
        raise OptionError(
            f"there is no loss '{loss}'", expected=f"one of {', '.join(NAMES)}, or a loss module of torch",
            received=str(loss), advice=nearest(str(loss), NAMES),
        )  # fmt: skip
    if loss == "cross-entropy":
        return _cross_entropy(outputs, targets, "mean")
    targets = targets.to(outputs.dtype)
    _must_be_alike(outputs, targets)
    if loss == "binary-cross-entropy":
        _must_be_shares(targets)
        return Criterion(BinaryCrossEntropy(is_mean=True), F.binary_cross_entropy_with_logits, targets)
    if loss == "squared-error":
        return Criterion(SquaredError(half=False, over="numbers"), F.mse_loss, targets)
    over = "samples" if samples > 1 else "nothing"
    return Criterion(
        SquaredError(half=True, over=over, samples=samples), lambda o, t: ((t - o) ** 2).sum() / (2 * samples), targets
    )


def _of_module(loss: nn.Module, outputs: Tensor, targets: Tensor) -> Criterion:
    reduction = getattr(loss, "reduction", "mean")
    if reduction == "none":
        raise OptionError(
            "a loss must be one number", expected="reduction='mean' or 'sum'", received=f"{loss} with reduction='none'"
        )
    is_mean = reduction == "mean"
    weight = getattr(loss, "weight", None)
    if type(loss) is nn.CrossEntropyLoss and weight is None and not loss.label_smoothing:
        is_counted = targets.is_floating_point() or not bool((targets == loss.ignore_index).any())
        if is_counted:
            return _cross_entropy(outputs, targets, reduction, axis=1 if outputs.dim() > 1 else 0)
    if type(loss) in {nn.MSELoss, nn.BCELoss, nn.BCEWithLogitsLoss}:
        _must_be_alike(outputs, targets)
    if type(loss) is nn.MSELoss:
        return Criterion(SquaredError(half=False, over="numbers" if is_mean else "nothing"), loss, targets)
    if type(loss) is nn.BCELoss and weight is None:
        _must_be_shares(targets)
        return Criterion(BinaryCrossEntropyOfProbabilities(is_mean=is_mean), loss, targets)
    if type(loss) is nn.BCEWithLogitsLoss and weight is None and loss.pos_weight is None:
        return Criterion(BinaryCrossEntropy(is_mean=is_mean), loss, targets)
    return Criterion(Unwritten(type(loss).__name__, loss, ("O", "T"), outputs.dtype), loss, targets)


def _as_numbers(targets: Tensor, outputs: Tensor) -> Tensor:
    return targets.to(outputs.dtype) if targets.is_floating_point() else targets


def _cross_entropy(outputs: Tensor, targets: Tensor, reduction: str, axis: int | None = None) -> Criterion:
    """Return the cross-entropy; the classes are the dimension that the targets lack, the last one if in doubt."""
    places = [axis] if axis is not None else [outputs.dim() - 1, 1]
    is_soft = targets.is_floating_point()
    fitting = [
        each for each in places
        if 0 <= each < outputs.dim()
        and targets.shape == (outputs.shape if is_soft else outputs.shape[:each] + outputs.shape[each + 1 :])
    ]  # fmt: skip
    if not fitting:
        wanted = tuple(outputs.shape) if is_soft else tuple(outputs.shape[:1] + outputs.shape[2:])
        raise DataError(
            "the targets do not fit the network's outputs",
            expected=f"{'probabilities' if is_soft else 'class numbers'} of the shape {wanted}",
            received=f"targets {tuple(targets.shape)} and outputs {tuple(outputs.shape)}",
        )
    classes = outputs.shape[fitting[0]]
    if not is_soft and not bool(((targets >= 0) & (targets < classes)).all()):
        raise DataError(
            "a target is no class of the network", expected=f"numbers from 0 to {classes - 1}",
            received=f"numbers from {int(targets.min())} to {int(targets.max())}",
        )  # fmt: skip
    where = fitting[0]
    targets = _as_numbers(targets, outputs) if is_soft else targets.long()

    def reference(o: Tensor, t: Tensor) -> Tensor:
        logits, wanted = (o, t) if o.dim() == 1 else (o.movedim(where, 1), t.movedim(where, 1) if is_soft else t)
        return F.cross_entropy(logits, wanted, reduction=reduction)

    # of probabilities torch takes the mean over the samples and further places, as of class numbers
    return Criterion(CrossEntropy(where, is_mean=reduction == "mean"), reference, targets)


def _must_be_alike(outputs: Tensor, targets: Tensor) -> None:
    if outputs.shape != targets.shape:
        raise DataError(
            "the targets do not fit the network's outputs", expected=f"targets of the shape {tuple(outputs.shape)}",
            received=f"targets of the shape {tuple(targets.shape)}",
            advice="torch would repeat the smaller one and compare every sample with every other",
        )  # fmt: skip


def _must_be_shares(targets: Tensor) -> None:
    if not bool(((targets >= 0) & (targets <= 1)).all()):
        raise DataError(
            "the targets of a binary cross-entropy are probabilities", expected="numbers from 0 to 1",
            received=f"numbers from {float(targets.min()):g} to {float(targets.max()):g}",
        )  # fmt: skip


def as_tensor(values: object, dtype: torch.dtype) -> Tensor:
    """Return a tensor of what torch can make one of, floating-point numbers in the type asked for.

    Raises:
        DataError: torch can make none of it.
    """
    try:
        # lists by way of NumPy, which keeps their numbers in float64
        tensor = torch.as_tensor(values if isinstance(values, Tensor) else np.array(values)).detach().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(
            "these are no numbers in a regular shape", expected="a tensor, an array, or lists of numbers",
            received=type(values).__name__,
        ) from error  # fmt: skip
    return tensor.to(dtype) if tensor.is_floating_point() else tensor
