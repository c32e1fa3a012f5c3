"""How one step changes a network, one file a rule; `rule_for` chooses."""

from torch import nn

from pellucid.recipe import Recipe
from pellucid.training.rules.adversarial import Adversarial, adversarial
from pellucid.training.rules.gradient import Gradient
from pellucid.training.rules.truncated import Truncated, truncated
from pellucid.training.session import Rule
from pellucid.training.tasks import Generation, Supervised, Task

__all__ = ["Adversarial", "Gradient", "Rule", "Truncated", "rule_for"]


def rule_for(network: nn.Module, task: Task, recipe: Recipe) -> Rule:
    """Return the rule the recipe names, or the one that the network or the task asks for."""
    if isinstance(task, Generation):
        return adversarial(network, recipe)
    assert isinstance(task, Supervised)
    if task.carries:
        return truncated(network, recipe, task.loss)
    return Gradient(task.loss)
