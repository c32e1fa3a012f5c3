"""A sample forwards and backwards through a network, by what its task minimises."""

from typing import Literal

import torch

from pellucid.errors import DataError
from pellucid.explain.derivation import Derivation, backprop
from pellucid.explain.explanation import Subject
from pellucid.training.tasks.supervised import Supervised

_DERIVED: tuple[Literal["cross-entropy"], Literal["squared-error"]] = ("cross-entropy", "squared-error")


def derivation(subject: Subject, learning_rate: float | None = None) -> Derivation:
    """Return the forward and backward pass of the sample.

    Raises:
        DataError: the task has no loss of one sample that is written out.
    """
    asked = subject.task.loss_name
    name = next((each for each in _DERIVED if each == asked), None)
    if name is None or not isinstance(subject.task, Supervised):
        raise DataError(f"the loss {asked} has no written formula", expected=" or ".join(_DERIVED), received=asked)
    inputs, targets = subject.data.batch(torch.tensor([subject.row]))
    return backprop(subject.network, inputs, targets, loss=name, learning_rate=learning_rate)
