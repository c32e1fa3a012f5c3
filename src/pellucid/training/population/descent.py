"""Every optimiser of a population as one update of a matrix, a row a member.

All seven kinds keep at most two numbers a weight, m and V, and move it by

    m <- p m + q g,   d = r g + s m,   V <- u V + z g^2,   w <- w - rate * c d / (sqrt(V) e + eps)

where c and e undo Adam's bias towards its zero beginnings. What tells the kinds apart is the numbers p, q, r, s, u, z
and eps, so that members of different kinds are one computation, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pellucid.recipe import OptimizerName, Recipe
from pellucid.training.optimizers import SQUARES_DECAY, USUAL_MOMENTUM

_KEPT: Mapping[OptimizerName, Mapping[str, str]] = {
    "sgd": {},
    "momentum": {"momentum_buffer": "m"},
    "nesterov": {"momentum_buffer": "m"},
    "adagrad": {"sum": "V"},
    "rmsprop": {"square_avg": "V"},
    "adam": {"exp_avg": "m", "exp_avg_sq": "V"},
    "adamw": {"exp_avg": "m", "exp_avg_sq": "V"},
}
"""What torch's optimisers call m and V."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One optimiser's numbers; `corrected` is whether c = 1 / (1 - p^t) and e = 1 / sqrt(1 - u^t), or both are 1.

    Attributes:
        steady: what d becomes under a steady gradient of 1.
        coupled, decoupled: weight decay, as a part of the gradient and beside it.
    """

    p: float
    q: float
    r: float
    s: float
    u: float
    z: float
    eps: float
    steady: float
    corrected: bool
    coupled: float
    decoupled: float

    def corrections(self, step: int) -> tuple[float, float]:
        """Return c and e of a step, from 1."""
        if not self.corrected:
            return 1.0, 1.0
        return 1 / (1 - self.p**step), float((1 - self.u**step) ** -0.5)


def frame(recipe: Recipe) -> Frame:
    """Return the numbers of the optimiser that `make_optimizer` makes for a recipe.

    Momentum is torch's, m <- mu m + g (Polyak, 1964; Sutskever et al., 2013). The other convention, the mean
    m <- mu m + (1 - mu) g, is the same descent at 1 / (1 - mu) times the rate.

    Without squares (u = z = 0) V stays 0, and eps = 1 leaves d as it is.
    """
    mu = USUAL_MOMENTUM if recipe.momentum is None else recipe.momentum
    match recipe.optimizer:
        case "sgd":
            numbers = (0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0)
        case "momentum":
            numbers = (mu, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1 / (1 - mu))
        case "nesterov":
            numbers = (mu, 1.0, 1.0, mu, 0.0, 0.0, 1.0, 1 / (1 - mu))
        case "adagrad":
            numbers = (0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1e-10, 1.0)
        case "rmsprop":
            numbers = (0.0, 0.0, 1.0, 0.0, 0.99, 0.01, 1e-8, 1.0)
        case "adam" | "adamw":
            numbers = (mu, 1 - mu, 0.0, 1.0, SQUARES_DECAY, 1 - SQUARES_DECAY, 1e-8, 1.0)
    is_beside = recipe.optimizer == "adamw"
    return Frame(
        *numbers,
        corrected=recipe.optimizer in ("adam", "adamw"),
        coupled=0.0 if is_beside else recipe.weight_decay,
        decoupled=recipe.weight_decay if is_beside else 0.0,
    )


class Descents:
    """The optimisers of K members.

    Args:
        recipes: one a member.
        weights_KP: what is moved; only its shape, type and device are read here.
        pulled_P: 1 for a weight that penalties pull on, 0 for one that is exempt.

    Attributes:
        kinds: the optimisers' names.
        first_KP, second_KP: m and V; None where no member keeps them.
        steps: made by each member.
    """

    def __init__(self, recipes: Sequence[Recipe], weights_KP: Tensor, pulled_P: Tensor) -> None:
        self.kinds = [recipe.optimizer for recipe in recipes]
        self.frames = [frame(recipe) for recipe in recipes]
        self.l1 = [recipe.l1 for recipe in recipes]
        self.steps = [0] * len(recipes)
        self.pulled_P = pulled_P
        self.first_KP = torch.zeros_like(weights_KP) if any(one.q for one in self.frames) else None
        self.second_KP = torch.zeros_like(weights_KP) if any(one.z for one in self.frames) else None
        self._columns: dict[str, Tensor] = {}

    def kept(self, member: int) -> dict[str, Tensor]:
        """Return what a member's optimiser keeps, (P) each, by torch's names: views, to be changed in place."""
        both = {"m": self.first_KP, "V": self.second_KP}
        rows = {name: both[which] for name, which in _KEPT[self.kinds[member]].items()}
        return {name: rows_KP[member] for name, rows_KP in rows.items() if rows_KP is not None}

    def keep(self, members: Sequence[int]) -> None:
        """Go on with these members alone."""
        self.kinds = [self.kinds[k] for k in members]
        self.frames = [self.frames[k] for k in members]
        self.l1 = [self.l1[k] for k in members]
        self.steps = [self.steps[k] for k in members]
        self.first_KP = None if self.first_KP is None else self.first_KP[members]
        self.second_KP = None if self.second_KP is None else self.second_KP[members]
        self._columns.clear()

    @torch.no_grad()
    def step(self, weights_KP: Tensor, gradients_KP: Tensor, rates: Sequence[float]) -> None:
        """Move the weights, in place; the gradients are used up.

        Args:
            weights_KP: a row a member.
            gradients_KP: of each member's own loss, clipped.
            rates: of this step, one a member.
        """
        self.steps = [step + 1 for step in self.steps]
        if any(one.coupled for one in self.frames):
            gradients_KP.addcmul_(weights_KP, self._of("coupled", weights_KP) * self.pulled_P)
        if any(one.decoupled for one in self.frames):
            lost = [rate * one.decoupled for rate, one in zip(rates, self.frames, strict=True)]
            weights_KP.mul_(1 - _column(lost, weights_KP) * self.pulled_P)
        rates_KP = self._rates(weights_KP, gradients_KP, rates)
        weights_KP.addcmul_(self._direction(gradients_KP), rates_KP, value=-1)
        if any(self.l1):
            self._shrink(weights_KP, rates_KP)

    def _rates(self, weights_KP: Tensor, gradients_KP: Tensor, rates: Sequence[float]) -> Tensor:
        """Return by how much d moves each weight, (K, P) or (K, 1): rate * c / (sqrt(V) e + eps)."""
        both = [one.corrections(step) for one, step in zip(self.frames, self.steps, strict=True)]
        by_member_K1 = _column([rate * c for rate, (c, _) in zip(rates, both, strict=True)], weights_KP)
        if self.second_KP is None:
            return by_member_K1
        weighed_KP = gradients_KP * self._of("z", weights_KP)
        self.second_KP.mul_(self._of("u", weights_KP)).addcmul_(weighed_KP, gradients_KP)
        sizes_KP = self.second_KP.sqrt().mul_(_column([e for _, e in both], weights_KP))
        return sizes_KP.add_(self._of("eps", weights_KP)).reciprocal_().mul_(by_member_K1)

    def _direction(self, gradients_KP: Tensor) -> Tensor:
        """Return d, and take the gradient into m."""
        if self.first_KP is None:
            return gradients_KP
        self.first_KP.mul_(self._of("p", gradients_KP)).addcmul_(gradients_KP, self._of("q", gradients_KP))
        if not any(one.r for one in self.frames) and all(one.s == 1 for one in self.frames):
            return self.first_KP
        gradients_KP.mul_(self._of("r", gradients_KP))
        return gradients_KP.addcmul_(self.first_KP, self._of("s", gradients_KP))

    def _shrink(self, weights_KP: Tensor, rates_KP: Tensor) -> None:
        """Do the L1 penalty as `optimizers.shrink` does: towards 0 by l1 times the rate under a steady gradient."""
        # without c: it undoes what m has not seen yet, and a steady gradient was always there
        reach = [
            l1 * one.steady / one.corrections(step)[0]
            for l1, one, step in zip(self.l1, self.frames, self.steps, strict=True)
        ]
        reach_KP = _column(reach, weights_KP) * rates_KP * self.pulled_P
        weights_KP.copy_(weights_KP.sign() * (weights_KP.abs() - reach_KP).clamp_(min=0))

    def _of(self, name: str, like: Tensor) -> Tensor:
        """Return one of the frames' numbers as a column, (K, 1)."""
        if name not in self._columns:
            self._columns[name] = _column([getattr(one, name) for one in self.frames], like)
        return self._columns[name]


def _column(numbers: Sequence[float], like: Tensor) -> Tensor:
    return torch.tensor(numbers, dtype=like.dtype, device=like.device)[:, None]
