"""What a training is judged by, whatever is learned."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from torch import Tensor

from pellucid.data.dataset import Dataset, Target
from pellucid.errors import OptionError
from pellucid.recipe import MetricName, Recipe, TaskName
from pellucid.shapes import Features, Image, Sequence
from pellucid.training.device import Device
from pellucid.training.tasks.specimens import Specimens

Network = Callable[[Tensor], Tensor]
Loss = Callable[[Any, Tensor], Tensor]
"""What the network gives (a tensor, or one for each head by name) and the targets -> a scalar."""


class Task(ABC):
    """What is learned: a small class for each kind of task.

    Attributes:
        name: the task's name, as `--task` takes it.
        target: what the data predicts.
        loss_name: the loss's name, as `--loss` takes it.
        metric: the metric that chooses the best weights.
    """

    name: TaskName
    target: Target
    loss_name: str
    metric: MetricName

    @property
    @abstractmethod
    def answer(self) -> Features | Image | Sequence | Mapping[str, int]:
        """The shape of what the network must give for a sample, or how many numbers each of its heads."""

    @abstractmethod
    def evaluate(self, network: Network, data: Dataset, rows: Tensor, device: Device) -> dict[str, float]:
        """Return the metrics on some rows, the loss first; the network is in evaluation mode, gradients are off."""

    def specimens(
        self,
        network: Network,  # noqa: ARG002 (tasks that show something use all of these)
        data: Dataset,  # noqa: ARG002
        rows: Tensor,  # noqa: ARG002
        device: Device,  # noqa: ARG002
    ) -> Specimens | None:
        """Return what the network makes of some rows, for people to look at; None where figures say it all.

        The network is in evaluation mode, gradients are off, and what is drawn comes from torch's global stream,
        which the caller has seeded.
        """
        return None

    def score(self, metrics: Mapping[str, float]) -> tuple[float, float]:
        """Return what is to be maximised when the best weights are chosen: the metric, ties broken by the loss."""
        sign = 1.0 if self.metric in HIGHER_IS_BETTER else -1.0
        return sign * metrics[self.metric], -metrics["loss"]


METRICS: Mapping[TaskName, tuple[MetricName, ...]] = MappingProxyType(
    {
        "classification": ("accuracy", "precision", "recall", "f1", "loss"),
        "multilabel": ("f1", "exact_match", "accuracy", "precision", "recall", "loss"),
        "multitask": ("loss",),
        "language": ("loss", "accuracy", "perplexity"),
        "regression": ("mse", "rmse", "mae", "r2", "loss"),
        "reconstruction": ("loss", "mse", "rmse", "r2", "psnr", "elbo"),
        "segmentation": ("iou", "accuracy", "loss"),
        "generation": ("energy_distance",),
        "recall": ("recalled", "corrected", "overlap", "loss"),
        "forecast": ("mse", "rmse", "mae", "r2", "loss"),
    }
)
"""The metrics of each task, the one that usually chooses the best weights first."""

HIGHER_IS_BETTER = frozenset(
    {
        "accuracy",
        "exact_match",
        "precision",
        "recall",
        "f1",
        "r2",
        "psnr",
        "elbo",
        "iou",
        "recalled",
        "corrected",
        "overlap",
    }
)


def metric_for(task: TaskName, recipe: Recipe) -> MetricName:
    """Return the metric the recipe names, or the task's usual one.

    Raises:
        OptionError: it does not go with the task.
    """
    if recipe.metric is not None and recipe.metric not in METRICS[task]:
        raise OptionError(
            f"metric '{recipe.metric}' does not go with {task}",
            expected="one of " + ", ".join(METRICS[task]),
            received=recipe.metric,
        )
    return recipe.metric or METRICS[task][0]
