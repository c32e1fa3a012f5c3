"""torch.optim's optimisers by name, with weight decay kept off biases and normalisation."""

import torch
from torch import nn

from pellucid.errors import OptionError
from pellucid.recipe import OptimizerName, Recipe

# Usual peak rates; adamw's was tried on the built-in data with the networks pellucid chooses, the others are custom.
DEFAULT_RATES: dict[OptimizerName, float] = {
    "sgd": 0.1,
    "momentum": 0.05,
    "nesterov": 0.05,
    "adagrad": 0.02,
    "rmsprop": 1e-3,
    "adam": 3e-3,
    "adamw": 3e-3,
}


def make_optimizer(model: nn.Module, recipe: Recipe, learning_rate: float) -> torch.optim.Optimizer:
    """Return the optimiser the recipe names over all parameters that want a gradient.

    Weight decay is decoupled in `adamw` and an L2 penalty (weight_decay / 2 * |w|²) elsewhere; vectors (biases, the
    scales of normalisation) are exempt.

    Raises:
        OptionError: the network has no parameter to train.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not parameters:
        raise OptionError("there is nothing to train", expected="a network with parameters", received="none in it")
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    # one kernel for all parameters instead of one for each
    fused = all(p.is_floating_point() and p.device.type in {"cpu", "cuda", "mps"} for p in parameters)
    momentum = recipe.momentum
    match recipe.optimizer:
        case "sgd":
            return torch.optim.SGD(groups, learning_rate, fused=fused)
        case "momentum":
            return torch.optim.SGD(groups, learning_rate, momentum=momentum, fused=fused)
        case "nesterov":
            return torch.optim.SGD(groups, learning_rate, momentum=momentum, nesterov=True, fused=fused)
        case "adagrad":
            return torch.optim.Adagrad(groups, learning_rate)
        case "rmsprop":
            return torch.optim.RMSprop(groups, learning_rate)
        case "adam":
            return torch.optim.Adam(groups, learning_rate, betas=(momentum, 0.999), fused=fused)
        case "adamw":
            return torch.optim.AdamW(groups, learning_rate, betas=(momentum, 0.999), fused=fused)


def total_gradient_norm(model: nn.Module) -> float:
    """Return the Euclidean norm of all gradients together."""
    return float(nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None]))


def clip(model: nn.Module, recipe: Recipe) -> None:
    """Clip the gradients as the recipe asks: each value to ±clip_value, then the whole to the norm clip_norm."""
    if recipe.clip_value is not None:
        nn.utils.clip_grad_value_(model.parameters(), recipe.clip_value)
    if recipe.clip_norm is not None:
        nn.utils.clip_grad_norm_(model.parameters(), recipe.clip_norm)
