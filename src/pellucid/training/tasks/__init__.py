"""What is learned, one file a kind of task: what the network must give, the loss, the metrics."""

from pellucid.data.dataset import Classes, Dataset, Itself, Labels, Masks, NextToken, Several, Target, Values
from pellucid.errors import DataError, OptionError
from pellucid.recipe import Recipe
from pellucid.training.tasks.generation import Generation, generation
from pellucid.training.tasks.multitask import MultiTask, multitask
from pellucid.training.tasks.recall import Recall, recall
from pellucid.training.tasks.reconstruction import Reconstruction, reconstruction
from pellucid.training.tasks.segmentation import Segmentation, segmentation
from pellucid.training.tasks.supervised import Supervised, supervised
from pellucid.training.tasks.task import HIGHER_IS_BETTER, METRICS, Task

__all__ = [
    "HIGHER_IS_BETTER",
    "METRICS",
    "Generation",
    "MultiTask",
    "Recall",
    "Reconstruction",
    "Segmentation",
    "Supervised",
    "Task",
    "is_judged_by_rows",
    "supervised_task_for",
    "task_for",
]


def task_for(data: Dataset, recipe: Recipe) -> Task:
    """Return the task that the data's target asks for.

    Raises:
        OptionError: a loss or a metric that does not go with the target.
        DataError: there is nothing to learn.
    """
    if recipe.task_weights is not None and not isinstance(data.target, Several):
        raise OptionError(
            "--task-weights weighs several tasks, and there is one", expected="several targets, or no --task-weights",
            received=recipe.task_weights,
        )  # fmt: skip
    match data.target:
        case Classes() | Values() | Labels() | NextToken() as target:
            return supervised(data, target, recipe)
        case Several() as target:
            return multitask(data, target, recipe)
        case Itself("generation") as target:
            return generation(data, target, recipe)
        case Itself("recall") as target:
            return recall(data, target, recipe)
        case Itself("reconstruction") as target:
            return reconstruction(data, target, recipe)
        case Itself(purpose):
            raise DataError(f"{purpose} cannot be learned yet", expected="a target", received="none")
        case Masks() as target:
            return segmentation(data, target, recipe)


def is_judged_by_rows(target: Target) -> bool:
    """Say whether a network's answer is judged row by row against such a target."""
    return isinstance(target, Classes | Values | Labels | NextToken)


def supervised_task_for(data: Dataset, recipe: Recipe) -> Supervised:
    """Return the task of data whose rows have a target each, which can be judged row by row.

    Raises:
        DataError: the data has no such target.
        OptionError: a loss or a metric that does not go with the target.
    """
    task = task_for(data, recipe)
    if not isinstance(task, Supervised):
        raise DataError(
            f"{task.name} is not judged row by row",
            expected="a network that predicts classes, values or the next token",
            received=task.name,
            advice="its figures stand in the run's record, and run.evaluate() gives them",
        )
    return task
