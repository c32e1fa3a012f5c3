"""A sample forwards and backwards through a network, and whether its gradients are right."""

from typing import Any

import torch
from torch import Tensor, nn

from pellucid.errors import DataError
from pellucid.explain.derivation import Derivation, backprop
from pellucid.explain.derivation.criterion import NAMES as LOSSES
from pellucid.explain.derivation.criterion import LossName
from pellucid.explain.explanation import Part, Subject
from pellucid.explain.gradients.gradient_check import check_gradients
from pellucid.networks import MAIN, main_output
from pellucid.training.rules.gradient import AUXILIARY
from pellucid.training.tasks import MultiTask, Supervised

_CHECKED, _ELEMENTS = 8, 12


def derivation(subject: Subject, learning_rate: float | None = None) -> Derivation:
    """Return the forward and backward pass of the sample; of several tasks, of the weighted sum of their losses.

    Raises:
        DataError: the task has no loss of one sample that is written out.
    """
    task, network = subject.task, subject.network
    inputs, targets = subject.data.batch(torch.tensor([subject.row]))
    if isinstance(task, MultiTask):
        wanted = {name: task.target.of(name, targets) for name in task.parts}
        losses = {name: _written(part) for name, part in task.parts.items()}
        return backprop(
            network, inputs, wanted, loss=losses, weights=task.weights, learning_rate=learning_rate
        )  # fmt: skip
    if not isinstance(task, Supervised):
        raise DataError(
            f"a step of {task.name} is more than one loss of one sample",
            expected="a network that learns answers", received=task.name,
        )  # fmt: skip
    loss = _written(task)
    heads = _heads_of(network, inputs)
    if not heads:
        return backprop(network, inputs, targets, loss=loss, learning_rate=learning_rate)
    weights = {name: 1.0 if name == MAIN else AUXILIARY for name in heads}
    return backprop(
        network, inputs, dict.fromkeys(heads, targets), loss=loss, weights=weights, learning_rate=learning_rate
    )  # fmt: skip


def _heads_of(network: nn.Module, inputs: Tensor) -> list[str]:
    """Return the names of a network's outputs; none where it has but one."""
    with torch.no_grad():
        outputs = network(inputs)
    return list(outputs) if isinstance(outputs, dict) else []


def _written(task: Supervised) -> LossName:
    """Return the loss of a task as the derivation knows it.

    Raises:
        DataError: it is not written out.
    """
    found = next((name for name in LOSSES if name == task.loss_name), None)
    if found is None:
        raise DataError(
            f"the loss {task.loss_name} has no written formula", expected=" or ".join(LOSSES), received=task.loss_name
        )
    return found


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
