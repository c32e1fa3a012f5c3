"""How many labels of each class were met, whatever loss was used: a measure that outlives a change of loss."""

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from types import FrameType
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from pellucid.diagnosis.remedies.interventions.patching import patch

LOSSES = (
    "cross_entropy",
    "nll_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
)
MOST_CLASSES = 64


@dataclass(frozen=True, slots=True)
class Mark:
    """One batch's labels that a loss was given: how many of each class were met, of how many.

    Attributes:
        step: of the optimiser.
        line: of the script that computed the loss, for telling one evaluation from another.
    """

    step: int
    phase: Literal["train", "eval"]
    line: int
    right: tuple[int, ...]
    total: tuple[int, ...]


def listen(undo: ExitStack, marks: list[Mark], step: Callable[[], int]) -> None:
    """Take a mark at every loss that compares with labels, until `undo` is closed."""

    def wrap_as(name: str) -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
        def wrap(original: Callable[..., Tensor]) -> Callable[..., Tensor]:
            def loss(input: Tensor, target: Tensor, *arguments: Any, **options: Any) -> Tensor:
                value = original(input, target, *arguments, **options)
                with torch.no_grad():
                    counted = labels_met(name, input.detach(), target.detach())
                if counted is not None:
                    phase: Literal["train", "eval"] = "train" if input.requires_grad else "eval"
                    marks.append(Mark(step(), phase, _line(), *counted))
                return value

            return loss

        return wrap

    for name in LOSSES:
        patch(undo, F, name, wrap_as(name))


def labels_met(function: str, prediction: Tensor, target: Tensor) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Return labels met and labels given, by class; None where targets are no labels.

    >>> labels_met("mse_loss", torch.tensor([0.2, 1.1, 1.7]), torch.tensor([0.0, 1.0, 1.0]))
    ((1, 2), (1, 2))
    """
    pair = _classes(function, prediction, target)
    if pair is None or not pair[1].numel() or pair[1].min() < 0 or pair[1].max() >= MOST_CLASSES:
        return None
    said, label = pair
    size = int(label.max()) + 1
    total = torch.bincount(label, minlength=size)
    return tuple(torch.bincount(label[said == label], minlength=size).tolist()), tuple(total.tolist())


def _classes(function: str, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor] | None:
    """Return the class said and the class that is right, each a flat tensor of whole numbers."""
    if prediction.dim() > 1 and not target.is_floating_point() and target.shape == _without_classes(prediction):
        return prediction.argmax(1).flatten(), target.flatten()
    if prediction.numel() != target.numel() or not bool((target == target.round()).all()):
        return None
    prediction = prediction.reshape(target.shape)
    binary = bool(((target == 0) | (target == 1)).all())
    if binary and target.dim() == 2 and target.shape[1] > 1 and bool((target.sum(1) == 1).all()):
        return prediction.argmax(1), target.argmax(1)
    if binary:
        half = 0.0 if function == "binary_cross_entropy_with_logits" else 0.5
        return (prediction > half).long().flatten(), target.long().flatten()
    return prediction.nan_to_num(-1.0).round().long().flatten(), target.long().flatten()


def _without_classes(prediction: Tensor) -> torch.Size:
    return torch.Size([prediction.shape[0], *prediction.shape[2:]])


def _line() -> int:
    """Return the line of the script that called the loss."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 (what `inspect.currentframe` returns)
    while frame is not None:
        name = frame.f_code.co_filename
        if f"{os.sep}torch{os.sep}" not in name and f"{os.sep}pellucid{os.sep}diagnosis{os.sep}" not in name:
            return frame.f_lineno
        frame = frame.f_back
    return 0
