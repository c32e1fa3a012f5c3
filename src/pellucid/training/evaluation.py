"""How good a network is on a split."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from pellucid.data.dataset import Dataset, SplitName
from pellucid.training.device import Device
from pellucid.training.task import Task

_MOST_ROWS = 1_024
_MOST_NUMBERS = 1 << 24


def held_out(data: Dataset) -> SplitName:
    """Return the split a network is judged on: test, or validation where no test rows were kept."""
    return "test" if len(data.rows["test"]) else "validation"


def batch_size(data: Dataset, task: Task) -> int:
    """Return how many rows are judged at once: 1,024, fewer where rows or outputs are so large that memory matters.

    A power of two that depends on the shapes alone, so that a figure comes out to the same bit wherever it is measured.
    """
    outputs = task.outputs * (data.targets[:1].numel() if task.name == "language" else 1)
    return rows_at_once(data.inputs, outputs)


def rows_at_once(inputs: Tensor, outputs: int = 1) -> int:
    """Return the same for stored inputs (N, ...), each of which gives so many numbers."""
    fitting = _MOST_NUMBERS // max(inputs[:1].numel(), outputs, 1)
    return min(_MOST_ROWS, 1 << max(0, fitting.bit_length() - 1))


@torch.no_grad()
def evaluate(
    network: Callable[[Tensor], Tensor], data: Dataset, task: Task, split: SplitName, device: Device
) -> dict[str, float]:
    """Return the task's metrics on one split; a network in training mode is put into evaluation mode and back."""
    was_training = isinstance(network, nn.Module) and network.training
    if isinstance(network, nn.Module):
        network.eval()
    rows = data.rows[split]
    loss_sum, predictions, truth = 0.0, [], []
    for rows_B in rows.split(batch_size(data, task)):
        inputs_B, targets_B = data.batch(rows_B)
        targets_B = targets_B.to(device.device)
        with device.autocast():
            outputs_B = network(inputs_B.to(device.device))
        outputs_B = outputs_B.float()
        loss_sum += task.loss(outputs_B, targets_B).item() * len(rows_B)
        predictions.append(task.predictions(outputs_B).cpu())
        truth.append(task.truth(targets_B).cpu())
    if isinstance(network, nn.Module):
        network.train(was_training)
    return task.metrics(loss_sum / len(rows), torch.cat(predictions), torch.cat(truth))
