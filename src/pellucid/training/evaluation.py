"""How good a network is on a split."""

import torch
from torch import nn

from pellucid.data.dataset import Dataset, SplitName
from pellucid.training.device import Device
from pellucid.training.tasks.task import Network, Task


def held_out(data: Dataset) -> SplitName:
    """Return the split a network is judged on: test, or validation where no test rows were kept."""
    return "test" if len(data.rows["test"]) else "validation"


@torch.no_grad()
def evaluate(network: Network, data: Dataset, task: Task, split: SplitName, device: Device) -> dict[str, float]:
    """Return the task's metrics on one split; a network in training mode is put into evaluation mode and back."""
    if not isinstance(network, nn.Module):
        return task.evaluate(network, data, data.rows[split], device)
    was_training = network.training
    network.eval()
    try:
        return task.evaluate(network, data, data.rows[split], device)
    finally:
        network.train(was_training)
