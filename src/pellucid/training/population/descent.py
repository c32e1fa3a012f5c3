"""Every optimiser of a population as one update of a matrix, a row a member.

All seven kinds keep at most two numbers a weight, m and V, and move it by

    m <- p m + q g,   d = r g + s m,   V <- u V + z g^2,   w <- w - rate * c d / (sqrt(V) e + eps)

where c and e undo Adam's bias towards its zero beginnings. What tells the kinds apart is the numbers p, q, r, s, u, z
and eps, so that members of different kinds are one computation, too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.adamw import adamw

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


_BLOCK = 1 << 16
"""Weights that are moved at once: of w, g, m, V and scratch 1.3 MB, which a core's second cache holds."""


_LARGE = 1 << 14
"""Weights of one member from which on torch's own fused kernel, called for each by itself, is the faster."""
_FUSED: Mapping[OptimizerName, Callable[..., None]] = {"adam": adam, "adamw": adamw}


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
        self._scratch: Tensor | None = None
        is_large = weights_KP.device.type == "cpu" and weights_KP.shape[1] >= _LARGE
        self._runs = _runs(pulled_P) if is_large else []

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

    @torch.no_grad()
    def step(self, weights_KP: Tensor, gradients_KP: Tensor, rates: Sequence[float]) -> None:
        """Move the weights, in place; the gradients are used up.

        Args:
            weights_KP: a row a member.
            gradients_KP: of each member's own loss, clipped.
            rates: of this step, one a member.
        """
        if self._runs and all(kind in _FUSED for kind in self.kinds) and not any(self.l1):
            self._step_each(weights_KP, gradients_KP, rates)
            return
        self.steps = [step + 1 for step in self.steps]
        columns = self._columns(weights_KP, rates)
        # so few rows at a time that all that is read and written again and again stays in the processor's cache
        size = max(1, _BLOCK // weights_KP.shape[1]) if weights_KP.device.type == "cpu" else len(weights_KP)
        for start in range(0, len(weights_KP), size):
            rows = slice(start, start + size)
            numbers = {name: column_K1[rows] for name, column_K1 in columns.items()}
            first = None if self.first_KP is None else self.first_KP[rows]
            second = None if self.second_KP is None else self.second_KP[rows]
            self._move(weights_KP[rows], gradients_KP[rows], first, second, numbers)

    def _step_each(self, weights_KP: Tensor, gradients_KP: Tensor, rates: Sequence[float]) -> None:
        """Do the same one member after the other, each in one pass through its numbers."""
        assert self.first_KP is not None
        assert self.second_KP is not None
        for k, (kind, one) in enumerate(zip(self.kinds, self.frames, strict=True)):
            rows = [rows_KP[k] for rows_KP in (weights_KP, gradients_KP, self.first_KP, self.second_KP)]
            for is_pulled in (True, False):
                parts = [[row[run] for run, pulled in self._runs if pulled == is_pulled] for row in rows]
                steps = [torch.tensor(float(self.steps[k])) for _ in parts[0]]
                decay = (one.coupled + one.decoupled) * is_pulled
                _FUSED[kind](
                    *parts, [], steps, fused=True, amsgrad=False, maximize=False, beta1=one.p, beta2=one.u,
                    lr=rates[k], weight_decay=decay, eps=one.eps,
                )  # fmt: skip
        self.steps = [step + 1 for step in self.steps]

    def _columns(self, like: Tensor, rates: Sequence[float]) -> dict[str, Tensor]:
        """Return the numbers of this step, (K, 1) each; none of what no member has."""
        both = [one.corrections(step) for one, step in zip(self.frames, self.steps, strict=True)]
        numbers = {name: [getattr(one, name) for one in self.frames] for name in ("p", "q", "r", "s", "u", "z", "eps")}
        numbers["rate"] = [rate * c for rate, (c, _) in zip(rates, both, strict=True)]
        numbers["e"] = [e for _, e in both]
        if any(one.coupled for one in self.frames):
            numbers["coupled"] = [one.coupled for one in self.frames]
        if any(one.decoupled for one in self.frames):
            numbers["lost"] = [rate * one.decoupled for rate, one in zip(rates, self.frames, strict=True)]
        if any(self.l1):
            # without c: it undoes what m has not seen yet, and a steady gradient was always there
            numbers["reach"] = [l1 * one.steady / c for l1, one, (c, _) in zip(self.l1, self.frames, both, strict=True)]
        each = torch.tensor(list(numbers.values()), dtype=like.dtype, device=like.device)[..., None]
        return dict(zip(numbers, each, strict=True))

    def _move(self, w: Tensor, g: Tensor, m: Tensor | None, v: Tensor | None, numbers: Mapping[str, Tensor]) -> None:
        """Move some rows, by the formula above; `scratch` is for what lasts no longer than a line."""
        scratch = self._scratch_like(w)
        if "coupled" in numbers:
            g.addcmul_(w, torch.mul(numbers["coupled"], self.pulled_P, out=scratch))
        if "lost" in numbers:
            w.addcmul_(w, torch.mul(numbers["lost"], self.pulled_P, out=scratch), value=-1)
        rate = numbers["rate"]
        if v is not None:
            v.mul_(numbers["u"]).addcmul_(torch.mul(g, numbers["z"], out=scratch), g)
            sizes = torch.sqrt(v, out=scratch).mul_(numbers["e"]).add_(numbers["eps"])
            rate = torch.div(rate, sizes, out=scratch)
        direction = g
        if m is not None:
            m.mul_(numbers["p"]).addcmul_(g, numbers["q"])
            direction = m if self._is_m else g.mul_(numbers["r"]).addcmul_(m, numbers["s"])
        w.addcmul_(direction, rate, value=-1)
        if "reach" in numbers:  # as `optimizers.shrink` does: towards 0 by l1 times the rate under a steady gradient
            reach = numbers["reach"] * rate * self.pulled_P
            w.copy_(w.sign() * (w.abs() - reach).clamp_(min=0))

    @property
    def _is_m(self) -> bool:
        return all(one.r == 0 and one.s == 1 for one in self.frames)

    def _scratch_like(self, rows: Tensor) -> Tensor:
        if self._scratch is None or len(self._scratch) < len(rows):
            self._scratch = torch.empty_like(rows)
        return self._scratch[: len(rows)]


def _runs(pulled_P: Tensor) -> list[tuple[slice, bool]]:
    """Return the stretches of weights that penalties pull on and those they do not, in their order."""
    changes = (pulled_P.diff().nonzero().flatten() + 1).tolist()
    ends = [0, *changes, len(pulled_P)]
    return [(slice(start, end), bool(pulled_P[start])) for start, end in pairwise(ends)]
