"""A sample forwards and backwards through a network, and whether its gradients are right."""

from typing import Any, Literal

import torch
from torch import Tensor

from pellucid.errors import DataError
from pellucid.explain.derivation import Derivation, backprop
from pellucid.explain.explanation import Part, Subject
from pellucid.explain.gradients.gradient_check import check_gradients
from pellucid.networks import main_output
from pellucid.training.tasks import MultiTask, Supervised

_CHECKED, _ELEMENTS = 8, 12
_DERIVED: tuple[Literal["cross-entropy"], Literal["squared-error"]] = ("cross-entropy", "squared-error")


def derivation(subject: Subject, learning_rate: float | None = None) -> Derivation:
    """Return the forward and backward pass of the sample.

    Raises:
        DataError: the task has no loss of one sample that is written out.
    """
    if not isinstance(subject.task, Supervised):
        raise DataError(
            f"a step of {subject.task.name} is more than one loss of one sample",
            expected="a network that learns answers", received=subject.task.name,
        )  # fmt: skip
    asked = subject.task.loss_name
    name = next((each for each in _DERIVED if each == asked), None)
    if name is None:
        raise DataError(f"the loss {asked} has no written formula", expected=" or ".join(_DERIVED), received=asked)
    inputs, targets = subject.data.batch(torch.tensor([subject.row]))
    return backprop(subject.network, inputs, targets, loss=name, learning_rate=learning_rate)


def gradients(subject: Subject) -> Part | None:
    """Return the gradients of a few samples, checked by central differences."""
    if not isinstance(subject.task, Supervised | MultiTask):
        return None
    inputs, targets = subject.data.batch(subject.data.rows["train"][:_CHECKED])
    task = subject.task

    def loss(outputs: Any, targets: Tensor) -> Tensor:
        return task.loss(outputs, targets) if isinstance(task, MultiTask) else task.loss(main_output(outputs), targets)

    found = check_gradients(subject.network, inputs, targets, loss, samples=_ELEMENTS, seed=subject.seed)
    rows = [
        (each.name, f"{each.checked} of {each.elements:,}", str(each.kinks) if each.kinks else "–",
         f"{max(each.error, each.worst.error):.1e}", each.verdict)
        for each in found.tensors
    ]  # fmt: skip
    return Part(
        key="gradients",
        title="Are its gradients right?",
        lead="Each weight moved a little to both sides, and the loss with it, against what autograd says: (L(w + h) -"
        " L(w - h)) / 2h. A relative error below 1e-7 is right, below 1e-5 fine, above 1e-3 wrong; at a kink, such as"
        " ReLU's at 0, a difference says nothing.",
        facts=[f"The gradients by central differences: {found.verdict}"],
        heads=("weights", "checked", "kinks", "relative error", "verdict"),
        rows=rows,
    )
