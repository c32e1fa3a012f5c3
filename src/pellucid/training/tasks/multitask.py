"""Several tasks learned by one network, each by a head of its own (Caruana 1997, "Multitask learning").

Shape letters: N samples, B batch, M columns of the stored targets.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pellucid.data.dataset import Dataset, Several
from pellucid.errors import OptionError, nearest
from pellucid.recipe import MetricName, Recipe, TaskName
from pellucid.training.batches import rows_at_once
from pellucid.training.device import Device
from pellucid.training.tasks.supervised import Supervised, supervised
from pellucid.training.tasks.task import Network, Task, metric_for


@dataclass(frozen=True, slots=True)
class MultiTask(Task):
    """Several targets of one input: the network gives a tensor for each, by its name.

    Attributes:
        target: the targets.
        parts: what is learned of each.
        weights: of each part's loss in their sum.
    """

    target: Several
    parts: Mapping[str, Supervised]
    weights: Mapping[str, float]
    metric: MetricName
    loss_name: str = "summed"
    name: TaskName = "multitask"

    @property
    def answer(self) -> Mapping[str, int]:
        """How many numbers each head gives."""
        return {name: part.outputs for name, part in self.parts.items()}

    def loss(self, outputs: Mapping[str, Tensor], targets_BM: Tensor) -> Tensor:
        """Return Σ wₜ Lₜ over the tasks t, each a mean over the batch.

        Raises:
            OptionError: the network does not give what the tasks need.
        """
        self.require_heads(outputs)
        return torch.stack([
            weight * self.parts[name].loss(outputs[name], self.target.of(name, targets_BM))
            for name, weight in self.weights.items()
        ]).sum()  # fmt: skip

    def require_heads(self, outputs: object) -> None:
        """Refuse what is no mapping of the tasks' names to tensors.

        Raises:
            OptionError: with the names that are expected.
        """
        if not isinstance(outputs, Mapping) or not self.parts.keys() <= outputs.keys():
            raise OptionError(
                "the network does not give an output for each target",
                expected="a dict of " + ", ".join(f"{name} (N, {count})" for name, count in self.answer.items()),
                received=f"a dict of {', '.join(outputs)}" if isinstance(outputs, Mapping) else type(outputs).__name__,
                advice="end it with heads(" + " | ".join(f"{name}: fc({n})" for name, n in self.answer.items()) + ")",
            )

    def evaluate(self, network: Network, data: Dataset, rows: Tensor, device: Device) -> dict[str, float]:
        """Return the weighted sum of the losses, then each task's metrics, `digit.accuracy` those of `digit`."""
        losses: dict[str, float] = defaultdict(float)
        said: dict[str, list[tuple[Tensor, Tensor]]] = defaultdict(list)
        for rows_B in rows.split(rows_at_once(data.inputs, sum(self.answer.values()))):
            inputs_B, targets_BM = data.batch(rows_B)
            with device.autocast():
                outputs: object = network(inputs_B.to(device.device))
            self.require_heads(outputs)
            assert isinstance(outputs, Mapping)
            for name, part in self.parts.items():
                output_B, target_B = outputs[name].float(), self.target.of(name, targets_BM).to(device.device)
                losses[name] += part.loss(output_B, target_B).item() * len(rows_B) / len(rows)
                said[name].append((part.predictions(output_B).cpu(), part.truth(target_B).cpu()))
        metrics = {"loss": sum(self.weights[name] * loss for name, loss in losses.items())}
        for name, part in self.parts.items():
            predictions, truth = (torch.cat(each) for each in zip(*said[name], strict=True))
            found = part.metrics(losses[name], predictions, truth)
            metrics |= {f"{name}.{metric}": value for metric, value in found.items()}
        return metrics


def multitask(data: Dataset, target: Several, recipe: Recipe) -> MultiTask:
    """Return the task of learning several targets at once, each with its own usual loss.

    Raises:
        OptionError: a loss or a metric, which are of one task, or weights that cannot be read.
    """
    if recipe.loss is not None:
        raise OptionError(
            "--loss is for one task, and there are several", expected="no --loss: each has its own",
            received=recipe.loss, advice="leave --loss out; --task-weights weighs them",
        )  # fmt: skip
    alone = replace(recipe, metric=None)
    parts = {name: supervised(data, part, alone) for name, part in target.parts.items()}
    return MultiTask(target, parts, _weights(recipe.task_weights, parts), metric_for("multitask", recipe))


def _weights(text: str | None, parts: Mapping[str, Supervised]) -> dict[str, float]:
    """Return each task's weight: 1 where it is not given.

    Raises:
        OptionError: no such task, or a weight that is no positive number.
    """
    weights = dict.fromkeys(parts, 1.0)
    for given in text.split(",") if text else ():
        name, _, weight = (piece.strip() for piece in given.rpartition("="))
        if name not in parts:
            raise OptionError(
                f"there is no task '{name}'", expected=", ".join(f"{each}=1" for each in parts), received=given,
                advice=nearest(name, parts),
            )  # fmt: skip
        try:
            weights[name] = float(weight)
        except ValueError:
            weights[name] = -1.0
        if not 0 < weights[name] < float("inf"):
            raise OptionError(f"the weight of '{name}' is none", expected="a positive number", received=weight)
    return weights
