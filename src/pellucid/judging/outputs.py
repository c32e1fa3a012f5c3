"""What a network said of the rows of a split, sample by sample: everything a judgement is computed from.

Shape letters: N samples, B batch, T tokens of a sample, K classes or target quantities.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.data.dataset import Classes, Dataset, NextToken, SplitName
from pellucid.errors import DataError
from pellucid.training.device import Device
from pellucid.training.tasks import Supervised

Network = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Outputs:
    """A network run once over some rows.

    Attributes:
        rows: their numbers, int64 (N,).
        predicted: class indices (N,), values in the target's own units (N, K), or tokens (N, T).
        truth: what is right, in the same form.
        losses: the loss of each sample alone, float64 (N,); its mean is the split's loss.
        probabilities: of each class, float32 (N, K); None where no classes are told apart.
        worst_token: for texts the place of each sample's least expected token, int64 (N,); else None.
        confidence: the probability of what was said, float32 (N,) (of texts at `worst_token`); None for values.
    """

    rows: NDArray[np.int64]
    predicted: NDArray[np.generic]
    truth: NDArray[np.generic]
    losses: NDArray[np.float64]
    probabilities: NDArray[np.float32] | None = None
    worst_token: NDArray[np.int64] | None = None
    confidence: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.rows)


def rows_to_judge(data: Dataset, split: SplitName) -> Tensor:
    """Return the rows of a split.

    Raises:
        DataError: it has none.
    """
    if len(data.rows[split]):
        return data.rows[split]
    counts = ", ".join(f"{len(rows):,} {name}" for name, rows in data.rows.items())
    raise DataError(f"there are no {split} rows to judge", expected="another split", received=counts)


@torch.no_grad()
def run_over(network: Network, data: Dataset, task: Supervised, rows: Tensor, device: Device) -> Outputs:
    """Run a network over rows in batches, in evaluation mode, and put it back into the mode it was in."""
    was_training = isinstance(network, nn.Module) and network.training
    if isinstance(network, nn.Module):
        network.eval()
    try:
        batches = [_of_batch(task, *batch) for batch in task.outputs_over(network, data, rows, device)]
    finally:
        if isinstance(network, nn.Module):
            network.train(was_training)
    judged, *columns = (torch.cat(column).numpy() for column in zip(*batches, strict=True))
    named = {"predicted": columns[0], "truth": columns[1], "losses": columns[2].astype(np.float64)}
    match task.target:
        case Classes():
            probabilities = columns[3]
            return Outputs(judged, **named, probabilities=probabilities, confidence=probabilities.max(1))
        case NextToken():
            return Outputs(judged, **named, worst_token=columns[3], confidence=columns[4])
        case _:
            return Outputs(judged, **named)


def _of_batch(task: Supervised, rows_B: Tensor, outputs_B: Tensor, targets_B: Tensor) -> tuple[Tensor, ...]:
    losses_B = sample_losses(task, outputs_B, targets_B)
    said = [rows_B, task.predictions(outputs_B), task.truth(targets_B), losses_B]
    if isinstance(task.target, Classes):
        said.append(outputs_B.softmax(-1))
    elif isinstance(task.target, NextToken):
        logs_BTK = outputs_B.log_softmax(-1)
        right_BT = logs_BTK.gather(-1, targets_B[..., None])[..., 0]
        worst_B = right_BT.argmin(-1)
        surest_B = logs_BTK.amax(-1).gather(-1, worst_B[:, None])[:, 0].exp()
        said += [worst_B, surest_B]
    return tuple(tensor.cpu() for tensor in said)


def sample_losses(task: Supervised, outputs_B: Tensor, targets_B: Tensor) -> Tensor:
    """Return the loss of each sample as if it were a batch of its own, (B,).

    Any loss that is a mean over samples of equal size has their mean as its value on the batch.
    """

    def of_one(output: Tensor, target: Tensor) -> Tensor:
        return task.loss(output[None], target[None])

    losses_B: Tensor = torch.vmap(of_one)(outputs_B, targets_B)
    return losses_B
