"""How one step changes a network, one file a rule; `rule_for` chooses."""

from torch import nn

from pellucid.recipe import Recipe
from pellucid.training.rules.gradient import Gradient
from pellucid.training.rules.perceptron import Perceptron, perceptron_rule
from pellucid.training.session import Rule
from pellucid.training.tasks import Supervised, Task

__all__ = ["Gradient", "Perceptron", "Rule", "rule_for"]


def rule_for(network: nn.Module, task: Task, recipe: Recipe) -> Rule:
    """Return the rule the recipe names, or the one that the network or the task asks for."""
    if recipe.rule in {"perceptron", "pocket"}:
        return perceptron_rule(network, task, pocket=recipe.rule == "pocket")
    assert isinstance(task, Supervised)
    return Gradient(task.loss)
