"""Samples that count for more or less than one: each one's loss times its weight.

The weight of a sample travels as one more column of its targets. Shape letters: N samples, B batch, K outputs.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import torch
from sklearn import metrics as reference
from torch import Tensor
from torch.nn import functional as F

from pellucid.data.dataset import Classes, Dataset, Labels, Values
from pellucid.errors import OptionError
from pellucid.training.device import Device
from pellucid.training.rules import FromCentres, Gradient
from pellucid.training.session import Session
from pellucid.training.tasks import Supervised
from pellucid.training.tasks.task import Network

Losses = Callable[[Tensor, Tensor], Tensor]
"""Outputs and targets of a batch -> the loss of each sample, (B,)."""


@dataclass(frozen=True, slots=True)
class WeighedGradient(Gradient):
    """Down the gradient of sum(w loss) / B, w the samples' weights, whose mean over the training rows is 1.

    The sum is divided by the number of samples and not by their weights, so that the mean of the batches' gradients is
    the gradient of all, whatever rows came together.
    """


@dataclass(frozen=True, slots=True)
class Weighed(Supervised):
    """A task whose metrics are means by the samples' weights."""

    def evaluate(self, network: Network, data: Dataset, rows: Tensor, device: Device) -> dict[str, float]:
        """Return the loss and the metrics."""
        losses, predictions, truth, weights = [], [], [], []
        for _, outputs_B, columns_B in self.outputs_over(network, data, rows, device):
            targets_B, weights_B = apart(columns_B, self)
            losses.append(self.loss(outputs_B, columns_B) * len(outputs_B))
            predictions.append(self.predictions(outputs_B).cpu())
            truth.append(self.truth(targets_B).cpu())
            weights.append(weights_B.cpu())
        weights_N = torch.cat(weights)
        loss = float(torch.stack(losses).sum()) / float(weights_N.sum())
        return {"loss": loss, **_metrics(self, torch.cat(predictions), torch.cat(truth), weights_N)}


def weigh(session: Session, weights_N: Tensor) -> None:
    """Let each row of a session's data count by its weight.

    Args:
        session: at its beginning; its rule goes down a gradient.
        weights_N: of all rows of the data.

    Raises:
        OptionError: another rule.
    """
    task, data = session.task, session.data
    assert isinstance(task, Supervised)
    if type(session.rule) not in (Gradient, FromCentres):
        raise OptionError(
            f"the rule '{session.recipe.rule}' takes a row or leaves it, and cannot weigh it",
            expected="weights that are whole numbers, each row so many times; or rule='gradient'",
            received="weights between them",
        )
    losses = of_each(task, session.recipe.label_smoothing)

    def weighed(outputs_B: Tensor, columns_B: Tensor) -> Tensor:
        targets_B, weights_B = apart(columns_B, task)
        return (losses(outputs_B, targets_B) * weights_B).mean()

    columns = data.targets.reshape(len(data.targets), -1).to(torch.float32)  # whole to 16 million classes
    session.data = replace(data, targets=torch.cat([columns, weights_N.to(torch.float32)[:, None]], 1))
    session.task = Weighed(**{each.name: getattr(task, each.name) for each in fields(task)} | {"loss": weighed})
    session.rule = WeighedGradient(weighed)


def apart(columns_B: Tensor, task: Supervised) -> tuple[Tensor, Tensor]:
    """Return the targets, as they are without weights, and the weights (B,)."""
    targets_B = columns_B[:, :-1]
    return (targets_B[:, 0].long() if isinstance(task.target, Classes) else targets_B), columns_B[:, -1]


def of_each(task: Supervised, label_smoothing: float) -> Losses:
    """Return the loss of each sample, of which the task's own is the mean."""

    def cross_entropy(outputs_BK: Tensor, targets_B: Tensor) -> Tensor:
        return F.cross_entropy(outputs_BK, targets_B, label_smoothing=label_smoothing, reduction="none")

    def alone(outputs_BK: Tensor, targets_B: Tensor) -> Tensor:
        pairs = zip(outputs_BK.split(1), targets_B.split(1), strict=True)
        return torch.stack([task.loss(output, target) for output, target in pairs])

    def binary_cross_entropy(outputs_BK: Tensor, targets_BK: Tensor) -> Tensor:
        smoothed_BK = targets_BK * (1 - label_smoothing) + label_smoothing / 2
        return F.binary_cross_entropy_with_logits(outputs_BK, smoothed_BK, reduction="none").mean(1)

    distances: dict[str, Callable[..., Tensor]] = {
        "squared-error": F.mse_loss,
        "absolute-error": F.l1_loss,
        "huber": F.huber_loss,
    }
    if task.loss_name in distances:
        distance = distances[task.loss_name]
        return lambda outputs_BK, targets_BK: distance(outputs_BK, targets_BK, reduction="none").mean(1)
    return {"cross-entropy": cross_entropy, "binary-cross-entropy": binary_cross_entropy}.get(task.loss_name, alone)


def _metrics(task: Supervised, predicted: Tensor, truth: Tensor, weights_N: Tensor) -> dict[str, float]:
    """Return a task's metrics with each sample's weight, under the names that they have without."""
    said, true, weights = predicted.numpy(), truth.numpy(), weights_N.double().numpy()
    if isinstance(task.target, Values):
        mse = float(reference.mean_squared_error(true, said, sample_weight=weights))
        r2 = float(reference.r2_score(true, said, sample_weight=weights)) if len(true) > 1 else float("nan")
        mae = float(reference.mean_absolute_error(true, said, sample_weight=weights))
        return {"mse": mse, "rmse": mse**0.5, "mae": mae, "r2": r2}
    accuracy = float(reference.accuracy_score(true, said, sample_weight=weights))
    shares = reference.precision_recall_fscore_support(
        true, said, average="macro", sample_weight=weights, zero_division=0.0
    )
    found = {"accuracy": accuracy, **dict(zip(("precision", "recall", "f1"), map(float, shares[:3]), strict=True))}
    if isinstance(task.target, Labels):
        right = float(1 - reference.hamming_loss(true, said, sample_weight=weights))
        found |= {"exact_match": accuracy, "accuracy": right}
    return found
