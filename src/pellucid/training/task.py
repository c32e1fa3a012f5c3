"""What a training is judged by: from the data's target to the network's outputs, the loss and the metrics.

Shape letters: N samples, B batch, T time, K outputs.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from sklearn import metrics as reference
from torch import Tensor
from torch.nn import functional as F

from pellucid.data.dataset import Dataset, NextToken, Target, Values
from pellucid.errors import DataError, OptionError
from pellucid.recipe import LossName, MetricName, Recipe, TaskName
from pellucid.shapes import Sequence

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Task:
    """What is learned.

    Attributes:
        name: the task's name, as `--task` takes it.
        target: what the data predicts.
        outputs: how many numbers the network's last layer gives (at every step, for `language`).
        loss: (outputs, targets) -> mean loss of the batch, a scalar.
        loss_name: the loss's name, as `--loss` takes it.
        metric: the metric that chooses the best weights.
    """

    name: TaskName
    target: Target
    outputs: int
    loss: Loss
    loss_name: LossName
    metric: MetricName

    def predictions(self, outputs: Tensor) -> Tensor:
        """Return what the network's outputs say: class or token indices, or values in the target's own units."""
        return self.target.restore(outputs) if isinstance(self.target, Values) else outputs.argmax(-1)

    def truth(self, targets: Tensor) -> Tensor:
        """Return stored targets in the form of `predictions`."""
        return self.target.restore(targets) if isinstance(self.target, Values) else targets

    def metrics(self, loss: float, predictions: Tensor, truth: Tensor) -> dict[str, float]:
        """Return the metrics of a whole split, the loss first.

        Args:
            loss: mean loss.
            predictions: as `Task.predictions` gives them, for all samples.
            truth: as `Task.truth` gives it.
        """
        if isinstance(self.target, Values):
            return {"loss": loss, **_regression_metrics(predictions, truth)}
        scores = {"loss": loss, **_classification_metrics(predictions.flatten(), truth.flatten())}
        if isinstance(self.target, NextToken):
            return {"loss": loss, "accuracy": scores["accuracy"], "perplexity": float(torch.tensor(loss).exp())}
        return scores

    def score(self, metrics: Mapping[str, float]) -> tuple[float, float]:
        """Return what is to be maximised when the best weights are chosen: the metric, ties broken by the loss."""
        sign = 1.0 if self.metric in HIGHER_IS_BETTER else -1.0
        return sign * metrics[self.metric], -metrics["loss"]


METRICS: Mapping[TaskName, tuple[MetricName, ...]] = MappingProxyType(
    {
        "classification": ("accuracy", "precision", "recall", "f1", "loss"),
        "language": ("loss", "accuracy", "perplexity"),
        "regression": ("mse", "rmse", "mae", "r2", "loss"),
        "forecast": ("mse", "rmse", "mae", "r2", "loss"),
    }
)
"""The metrics of each task, the one that usually chooses the best weights first."""

HIGHER_IS_BETTER = frozenset({"accuracy", "precision", "recall", "f1", "r2"})


def task_for(data: Dataset, recipe: Recipe) -> Task:
    """Return the task that the data's target asks for, with the loss the recipe names or the task's usual one.

    Raises:
        OptionError: a loss or a metric that does not go with the target.
        DataError: fewer than two classes.
    """
    target = data.target
    if isinstance(target, Values):
        name: TaskName = "forecast" if isinstance(data.input_shape, Sequence) else "regression"
        loss = recipe.loss or "squared-error"
        return Task(name, target, len(target.names), _loss(loss, name, recipe), loss, _metric(name, recipe))
    loss = recipe.loss or "cross-entropy"
    if isinstance(target, NextToken):
        name = "language"
        return Task(name, target, len(target.vocabulary), _loss(loss, name, recipe), loss, _metric(name, recipe))
    if len(target.names) < 2:
        raise DataError(
            "there is nothing to tell apart: the target has one class only",
            expected="two classes or more",
            received=", ".join(target.names) or "none",
        )
    name = "classification"
    return Task(name, target, len(target.names), _loss(loss, name, recipe), loss, _metric(name, recipe))


def _metric(task: TaskName, recipe: Recipe) -> MetricName:
    if recipe.metric is not None and recipe.metric not in METRICS[task]:
        raise OptionError(
            f"metric '{recipe.metric}' does not go with {task}",
            expected="one of " + ", ".join(METRICS[task]),
            received=recipe.metric,
        )
    return recipe.metric or METRICS[task][0]


def _loss(name: LossName, task: TaskName, recipe: Recipe) -> Loss:
    """Return the loss function; a shape that would broadcast is refused rather than averaged over."""
    continuous: dict[str, Loss] = {"squared-error": F.mse_loss, "absolute-error": F.l1_loss, "huber": F.huber_loss}
    if task in {"classification", "language"}:
        if name != "cross-entropy":
            raise OptionError(
                f"loss '{name}' does not go with {task}", expected="cross-entropy", received=name,
                advice="leave --loss out, or pass --task regression if the target is a quantity",
            )  # fmt: skip

        def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
            return F.cross_entropy(logits.flatten(0, -2), targets.flatten(), label_smoothing=recipe.label_smoothing)

        return cross_entropy
    if name not in continuous:
        raise OptionError(
            f"loss '{name}' does not go with {task}", expected="one of " + ", ".join(continuous), received=name,
            advice="leave --loss out, or pass --task classification if the target is a class",
        )  # fmt: skip
    distance = continuous[name]

    def same_shape(outputs: Tensor, targets: Tensor) -> Tensor:
        assert outputs.shape == targets.shape, f"{tuple(outputs.shape)} against {tuple(targets.shape)}"
        return distance(outputs, targets)

    return same_shape


def _classification_metrics(predicted_N: Tensor, truth_N: Tensor) -> dict[str, float]:
    """Accuracy, and precision, recall and F1 averaged over the classes with equal weight (macro)."""
    predicted, truth = predicted_N.numpy(), truth_N.numpy()
    precision, recall, f1, _ = reference.precision_recall_fscore_support(
        truth, predicted, average="macro", zero_division=0.0
    )
    accuracy = float((predicted == truth).mean())
    return {"accuracy": accuracy, "precision": float(precision), "recall": float(recall), "f1": float(f1)}


def _regression_metrics(predicted_NK: Tensor, truth_NK: Tensor) -> dict[str, float]:
    """Mean squared error, its root, mean absolute error and R², in the target's own units, averaged over targets."""
    if not predicted_NK.isfinite().all():  # what has diverged has no error that could be averaged
        return dict.fromkeys(("mse", "rmse", "mae", "r2"), math.nan)
    predicted, truth = predicted_NK.double().numpy(), truth_NK.double().numpy()
    mse = float(reference.mean_squared_error(truth, predicted))
    # R² of one sample is undefined
    r2 = float(reference.r2_score(truth, predicted)) if len(truth) > 1 else float("nan")
    return {"mse": mse, "rmse": mse**0.5, "mae": float(reference.mean_absolute_error(truth, predicted)), "r2": r2}
