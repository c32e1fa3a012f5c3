"""The optimisers that race, made as pellucid makes them; those it does not offer as torch.optim does."""

from typing import Any, get_args

import torch
from torch import Tensor, nn

from pellucid.recipe import OptimizerName, Recipe
from pellucid.studio.exhibits.race.settings import Lane
from pellucid.training.optimizers import SQUARES_DECAY, make_optimizer

OWN: tuple[OptimizerName, ...] = get_args(OptimizerName)
USUAL_SQUARES = {"rmsprop": 0.99, "adadelta": 0.9, **dict.fromkeys(("adam", "adamw", "nadam"), SQUARES_DECAY)}
"""Decay of the mean squared gradient, of the rules that keep one."""
WITH_MOMENTUM = ("momentum", "nesterov", "adam", "adamw", "nadam")
WITHOUT_DECAY = ("rprop", "lbfgs")
"""torch.optim has no weight decay for these."""
_SHARES = {
    "adagrad": 0.1, "rmsprop": 0.005, "adam": 0.0125, "adamw": 0.0125, "nadam": 0.0125, "rprop": 0.0025,
}  # fmt: skip
"""Of the picture's width: these rules' steps are about as long as their learning rates, whatever the slope."""
_LINE_SEARCH = 25
"""Evaluations that torch's strong Wolfe search may take; with `max_iter=1` alone it would have none."""


class Runner(nn.Module):
    """A place on the plane as the weights of a network.

    Args:
        start: x and y; kept as one row, because pellucid exempts vectors from weight decay.
    """

    def __init__(self, start: tuple[float, float]) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.tensor([start], dtype=torch.float64))


def usual_rate(rule: str, rate: float, width: float) -> float:
    """Return a learning rate that suits a surface, to two digits.

    Args:
        rule: the optimiser.
        rate: of plain gradient descent there.
        width: of what is shown of the surface.
    """
    if rule in ("lbfgs", "adadelta"):
        return 1.0
    return float(f"{_SHARES[rule] * width if rule in _SHARES else rate:.2g}")


def arguments(lane: Lane, rate: float) -> tuple[str, dict[str, Any]]:
    """Return torch.optim's class and what it is called with: the same that `make` makes."""
    squares = lane.squares if lane.squares is not None else USUAL_SQUARES.get(lane.rule, 0.0)
    decay = {"weight_decay": lane.weight_decay}
    betas = {"betas": (lane.momentum, squares)}
    match lane.rule:
        case "sgd":
            return "SGD", {"lr": rate, **decay, "fused": True}
        case "momentum" | "nesterov":
            nesterov = {"nesterov": True} if lane.rule == "nesterov" and lane.momentum > 0 else {}
            return "SGD", {"lr": rate, "momentum": lane.momentum, **nesterov, **decay, "fused": True}
        case "adagrad":
            return "Adagrad", {"lr": rate, **decay}
        case "rmsprop":
            return "RMSprop", {"lr": rate, "alpha": squares, **decay}
        case "adam":
            return "Adam", {"lr": rate, **betas, **decay, "fused": True}
        case "adamw":
            return "AdamW", {"lr": rate, **betas, **decay, "fused": True}
        case "adadelta":
            return "Adadelta", {"lr": rate, "rho": squares, **decay}
        case "nadam":
            return "NAdam", {"lr": rate, **betas, **decay}
        case "rprop":
            return "Rprop", {"lr": rate}
    return "LBFGS", {"lr": rate, "max_iter": 1, "max_eval": 1 + _LINE_SEARCH, "line_search_fn": "strong_wolfe"}


def make(lane: Lane, runner: Runner, rate: float) -> torch.optim.Optimizer:
    """Return the lane's optimiser over the runner's place."""
    name, given = arguments(lane, rate)
    own = next((each for each in OWN if each == lane.rule), None)
    if own is not None:
        recipe = Recipe(optimizer=own, momentum=lane.momentum, weight_decay=lane.weight_decay)
        optimizer = make_optimizer(runner, recipe, rate)
        for group in optimizer.param_groups:  # what a recipe leaves to torch can be set here
            group |= {key: given[key] for key in ("betas", "alpha") if key in given}
        return optimizer
    made: torch.optim.Optimizer = getattr(torch.optim, name)([runner.place], **given)
    return made


def place_of(runner: Runner) -> Tensor:
    """Return x and y, (2,), which gradients flow back through."""
    return runner.place[0]


def stable_below(lane: Lane, sharpness: float | None) -> float | None:
    """Return the learning rate from which on the lane's steps grow where the curvature is λ; None where none is known.

    On a parabola λ z² / 2 gradient descent z ← z - ηλz needs η < 2/λ, with momentum β η < 2 (1 + β)/λ, and with
    Nesterov's η < 2 (1 + β)/((1 + 2β) λ). An L2 penalty adds to λ. Adaptive rules have no such bound: their steps are
    about as long as their learning rate.

    Args:
        lane: the rule and its momentum.
        sharpness: λ, the largest eigenvalue of the Hessian.

    Source: Cohen et al. 2021, Gradient descent on neural networks typically occurs at the edge of stability, app. B.
    """
    if sharpness is None or sharpness + lane.weight_decay <= 0 or lane.rule not in ("sgd", "momentum", "nesterov"):
        return None
    momentum = 0.0 if lane.rule == "sgd" else lane.momentum
    slowed = 1 + 2 * momentum if lane.rule == "nesterov" else 1.0
    return 2 * (1 + momentum) / (slowed * (sharpness + lane.weight_decay))
