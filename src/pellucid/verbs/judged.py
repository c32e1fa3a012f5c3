"""A network put beside the data it is judged on: what `Run` answers when it is asked how good it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from pellucid.data import Dataset, Several
from pellucid.data.dataset import SplitName
from pellucid.errors import OptionError, nearest
from pellucid.judging.judge import judge
from pellucid.judging.judgement import Judgement
from pellucid.judging.outputs import Outputs, rows_to_judge, run_over
from pellucid.recipe import Recipe
from pellucid.seed import isolated, seed_torch
from pellucid.training.device import choose_device
from pellucid.training.evaluation import evaluate, held_out
from pellucid.training.tasks import Supervised, supervised_task_for, task_for
from pellucid.training.tasks.specimens import Specimens


class Head(nn.Module):
    """One head of a network that has several."""

    def __init__(self, network: nn.Module, name: str) -> None:
        super().__init__()
        self.network = network
        self.name = name

    def forward(self, input: Tensor) -> Tensor:
        """Return what that head gives."""
        output: Tensor = self.network(input)[self.name]
        return output


@dataclass(frozen=True, slots=True)
class Judged:
    """A trained network, the data to judge it on, and how it was trained.

    Attributes:
        network: is brought to the recipe's device.
        data: holds the rows.
        recipe: every choice made.
        asked: the split to judge; None for the rows kept out of training.
        names: what the source calls each row; None where they go by number.
    """

    network: nn.Module
    data: Dataset
    recipe: Recipe
    asked: SplitName | None = None
    names: Sequence[str] | None = None

    def part(self, name: str) -> "Judged":
        """Return what the network learned of one of several targets, to be judged as if it were all.

        Raises:
            OptionError: there are not several targets, or none of that name.
        """
        target = self.data.target
        if not isinstance(target, Several):
            raise OptionError("this network learned one target", expected="no --target", received=f"--target {name}")
        if name not in target.parts:
            raise OptionError(
                f"there is no target '{name}'", expected=", ".join(target.parts), received=name,
                advice=nearest(name, target.parts),
            )  # fmt: skip
        alone = replace(self.recipe, metric=None, task_weights=None)
        return replace(self, network=Head(self.network, name), data=target.part(name, self.data), recipe=alone)

    @property
    def split(self) -> SplitName:
        """The split that is judged: what was asked for, else test, or validation where no test rows were kept."""
        return self.asked or held_out(self.data)

    def metrics(self) -> dict[str, float]:
        """Return the task's metrics.

        Raises:
            DataError: there are no such rows.
        """
        device, split = choose_device(self.recipe), self.split
        rows_to_judge(self.data, split)
        with isolated():
            return evaluate(self.network.to(device.device), self.data, task_for(self.data, self.recipe), split, device)

    def judgement(self, positive: str | None, goal: str, mistakes: int, trained_on: Dataset | None) -> Judgement:
        """Return all that is worth saying; arguments as of `judging.judge`.

        Raises:
            DataError: there are no such rows.
            OptionError: no such class or goal.
        """
        device = choose_device(self.recipe)
        return judge(
            self.network.to(device.device),
            self.data,
            supervised_task_for(self.data, self.recipe),
            self.split,
            device,
            positive=positive,
            goal=goal,
            mistakes=mistakes,
            trained_on=trained_on,
            names=self.names,
        )

    @torch.no_grad()
    def specimens(self) -> Specimens | None:
        """Return what the network makes of some of the rows; None where figures say it all."""
        device = choose_device(self.recipe)
        network, rows = self.network.to(device.device), self.data.rows[self.split]
        with isolated():
            seed_torch(self.recipe.seed, "specimens")
            return task_for(self.data, self.recipe).specimens(network, self.data, rows, device)

    def outputs(self) -> tuple[Outputs, Supervised]:
        """Return what the network says of each row, and what it learned.

        Raises:
            DataError: there are no such rows.
        """
        device, task = choose_device(self.recipe), supervised_task_for(self.data, self.recipe)
        rows = rows_to_judge(self.data, self.split)
        return run_over(self.network.to(device.device), self.data, task, rows, device), task
