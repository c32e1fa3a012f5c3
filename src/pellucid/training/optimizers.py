"""torch.optim's optimisers by name, with weight decay kept off biases and normalisation."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from pellucid.blocks import Radial
from pellucid.errors import OptionError
from pellucid.recipe import OptimizerName, Recipe
from pellucid.training.layers import shares_of_rate

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
USUAL_MOMENTUM = 0.9
SQUARES_DECAY = 0.999
"""Second beta of Adam."""


def make_optimizer(model: nn.Module, recipe: Recipe, learning_rate: float) -> torch.optim.Optimizer:
    """Return the optimiser the recipe names over all parameters that want a gradient.

    Weight decay is decoupled in `adamw` and an L2 penalty (weight_decay / 2 * |w|²) elsewhere; `shrink` does the L1
    penalty. `exempt` says which parameters neither of them pulls on.

    On a loss that is the mean squared error over N samples, the penalty weight_decay / 2 * |w|² is that of ridge
    regression as scikit-learn writes it, sum of squares + alpha * |w|², with weight_decay = 2 * alpha / N.

    Raises:
        OptionError: the network has no parameter to train.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not parameters:
        raise OptionError("there is nothing to train", expected="a network with parameters", received="none in it")
    groups = list(_groups(model, parameters, recipe))
    # one kernel for all parameters instead of one for each, which torch has not for all that is shared out
    on_known = all(p.is_floating_point() and p.device.type in {"cpu", "cuda", "mps"} for p in parameters)
    fused = on_known and not recipe.shard
    momentum = USUAL_MOMENTUM if recipe.momentum is None else recipe.momentum
    match recipe.optimizer:
        case "sgd":
            return torch.optim.SGD(groups, learning_rate, fused=fused)
        case "momentum":
            return torch.optim.SGD(groups, learning_rate, momentum=momentum, fused=fused)
        case "nesterov":
            # without momentum there is nothing to look ahead by, and torch refuses to
            return torch.optim.SGD(groups, learning_rate, momentum=momentum, nesterov=momentum > 0, fused=fused)
        case "adagrad":
            return torch.optim.Adagrad(groups, learning_rate)
        case "rmsprop":
            return torch.optim.RMSprop(groups, learning_rate)
        case "adam":
            return torch.optim.Adam(groups, learning_rate, betas=(momentum, SQUARES_DECAY), fused=fused)
        case "adamw":
            return torch.optim.AdamW(groups, learning_rate, betas=(momentum, SQUARES_DECAY), fused=fused)


def _groups(model: nn.Module, parameters: list[nn.Parameter], recipe: Recipe) -> Iterator[dict[str, Any]]:
    """Yield the parameters in groups of one penalty and one share of the learning rate, a share of 1 first."""
    free = exempt(model)
    wanted = set(parameters)
    layers = [(1.0, parameters)] if recipe.layer_decay == 1 else shares_of_rate(model, recipe.layer_decay)
    for share, weights in layers:
        pulled = [p for p in weights if p in wanted and p not in free]
        left = [p for p in weights if p in wanted and p in free]
        wanted.difference_update(weights)  # one that two layers share is the one's nearer to the output
        if not recipe.weight_decay and not recipe.l1:  # then one group does the same in half the calls
            pulled, left = [], [*pulled, *left]
        if pulled:
            yield {"params": pulled, "weight_decay": recipe.weight_decay, "l1": recipe.l1, "share": share}
        if left:
            yield {"params": left, "weight_decay": 0.0, "l1": 0.0, "share": share}


def exempt(model: nn.Module) -> set[nn.Parameter]:
    """Return the parameters that no penalty pulls on: biases, and the scales of normalisation.

    A bias says where a function lies, not how steep it is, and a scale that follows a normalisation is undone by no
    other weight: both are left alone (Goodfellow et al. 2016, "Deep Learning", section 7.1). These are the vectors
    (a PReLU's slopes too), what is called a bias, the layer normalisations over several axes, and the centres of radial
    basis functions, which say where a function lies as well.
    """
    return {
        parameter
        for module in model.modules()
        for name, parameter in module.named_parameters(recurse=False)
        if parameter.ndim <= 1 or name.startswith("bias") or isinstance(module, nn.LayerNorm | nn.RMSNorm | Radial)
    }


def total_gradient_norm(model: nn.Module) -> float:
    """Return the Euclidean norm of all gradients together; of a network that is shared out all ranks have to ask."""
    norm = nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None])
    return float(norm.full_tensor() if hasattr(norm, "full_tensor") else norm)


def clip(model: nn.Module, recipe: Recipe) -> None:
    """Clip the gradients as the recipe asks: each value to ±clip_value, then the whole to the norm clip_norm."""
    if recipe.clip_value is not None:
        nn.utils.clip_grad_value_(model.parameters(), recipe.clip_value)
    if recipe.clip_norm is not None:
        nn.utils.clip_grad_norm_(model.parameters(), recipe.clip_norm)


@torch.no_grad()
def shrink(optimizer: torch.optim.Optimizer) -> None:
    """Do the L1 penalty, l1 * |w|_1, after a step: move each weight towards 0 by a threshold, and stop there.

    w <- sign(w) max(|w| - threshold, 0), the proximal step of ISTA (Beck & Teboulle 2009, section 1.3), makes weights
    exactly 0, where adding l1 * sign(w) to the gradient would only let them swing around it.

    The threshold is l1 times the rate at which the optimiser moves that weight under a steady gradient (for adaptive
    methods: Yun et al. 2021, "Adaptive proximal gradient methods for structured neural networks"). So a weight rests
    where rate * gradient = -rate * l1 * sign(w), or at 0 where |gradient| <= l1. The rate cancels: that is the minimum
    of loss + l1 * |w|_1 for every optimiser and schedule here, exactly on whole batches, and about it on small ones
    while the rate is large. (adamw's decoupled weight decay, if not 0, moves it a little.) On a loss that is the mean
    squared error it is scikit-learn's lasso, squares / (2 N) + alpha * |w|_1, with l1 = 2 * alpha.
    """
    for group in optimizer.param_groups:
        if group["l1"]:
            for weight in group["params"]:
                if weight.grad is not None:
                    reach = group["l1"] * _effective_rate(group, optimizer.state[weight])
                    weight.copy_(weight.sign() * (weight.abs() - reach).clamp_(min=0))


def _effective_rate(group: dict[str, Any], state: dict[str, Any]) -> Tensor | float:
    """Return by how much a steady gradient of 1 moves a weight in one step: a number, or one for each weight."""
    rate: float = group["lr"]
    momentum: float = group.get("momentum", 0.0)
    size: Tensor
    if "exp_avg_sq" in state:  # adam, adamw
        size = (state["exp_avg_sq"] / (1 - group["betas"][1] ** float(state["step"]))).sqrt()
    elif "square_avg" in state:  # rmsprop
        size = state["square_avg"].sqrt()
    elif "sum" in state:  # adagrad
        size = state["sum"].sqrt()
    else:  # sgd: the velocity of a steady gradient g is g / (1 - momentum)
        return rate / (1 - momentum)
    return rate / size.add_(group["eps"])
