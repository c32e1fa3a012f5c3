"""How one step changes a network, one file a rule; `rule_for` chooses."""

from torch import nn

from pellucid.recipe import Recipe
from pellucid.training.rules.adversarial import Adversarial, adversarial
from pellucid.training.rules.centres import has_centres
from pellucid.training.rules.closed_form import ClosedForm, closed_form
from pellucid.training.rules.gradient import Gradient
from pellucid.training.rules.perceptron import Perceptron, perceptron_rule
from pellucid.training.rules.radial import FromCentres
from pellucid.training.rules.reconstruction import Reconstructing
from pellucid.training.rules.storing import Storing
from pellucid.training.rules.truncated import Truncated, truncated
from pellucid.training.session import Rule
from pellucid.training.tasks import Generation, MultiTask, Recall, Reconstruction, Segmentation, Supervised, Task

__all__ = [
    "Adversarial",
    "ClosedForm",
    "FromCentres",
    "Gradient",
    "Perceptron",
    "Reconstructing",
    "Rule",
    "Storing",
    "Truncated",
    "rule_for",
]


def rule_for(network: nn.Module, task: Task, recipe: Recipe) -> Rule:
    """Return the rule the recipe names, or the one that the network or the task asks for."""
    if recipe.rule in {"perceptron", "pocket"}:
        return perceptron_rule(network, task, pocket=recipe.rule == "pocket")
    if recipe.rule == "closed-form":
        return closed_form(network, task, recipe)
    if isinstance(task, Generation):
        return adversarial(network, recipe)
    if isinstance(task, Recall):
        return Storing()
    if isinstance(task, Reconstruction):
        return Reconstructing(task)
    if isinstance(task, MultiTask):
        return Gradient(task.loss, of_all_heads=True)
    assert isinstance(task, Supervised | Segmentation)
    if isinstance(task, Supervised) and has_centres(network):
        return FromCentres(task.loss)
    if isinstance(task, Supervised) and task.carries:
        return truncated(network, recipe, task.loss)
    return Gradient(task.loss)
