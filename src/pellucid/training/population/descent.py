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


_BLOCK = 1 << 19
"""Weights that are moved at once on a CPU: of fewer, calling torch costs more than what its caches save."""


_NO_RATE = 1e-30
"""A rate by which nothing moves, in place of 0, by which nothing can be divided."""
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
        self._same: dict[str, Tensor] = {}  # what is the same at every step
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
        self._same = {}
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
        # in parts, so that what lasts no longer than a line takes little memory
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
        if not self._same:
            names = ("p", "q", "r", "s", "u", "z", "eps", "coupled")
            self._same = _as_columns({name: [getattr(one, name) for one in self.frames] for name in names}, like)
        both = [one.corrections(step) for one, step in zip(self.frames, self.steps, strict=True)]
        numbers = {"rate": [rate * c for rate, (c, _) in zip(rates, both, strict=True)]}
        if self.second_KP is not None:  # rate / (sqrt(V) e + eps) = 1 / (sqrt(V) e / rate + eps / rate): fewer passes
            divisors = [max(rate, _NO_RATE) for rate in numbers["rate"]]
            numbers["e"] = [e / rate for (_, e), rate in zip(both, divisors, strict=True)]
            numbers["eps"] = [one.eps / rate for one, rate in zip(self.frames, divisors, strict=True)]
        if any(one.decoupled for one in self.frames):
            numbers["lost"] = [rate * one.decoupled for rate, one in zip(rates, self.frames, strict=True)]
        if any(self.l1):
            # without c: it undoes what m has not seen yet, and a steady gradient was always there
            numbers["reach"] = [l1 * one.steady / c for l1, one, (c, _) in zip(self.l1, self.frames, both, strict=True)]
        return self._same | _as_columns(numbers, like)

    def _move(self, w: Tensor, g: Tensor, m: Tensor | None, v: Tensor | None, numbers: Mapping[str, Tensor]) -> None:
        """Move some rows, by the formula above; `scratch` is for what lasts no longer than a line."""
        scratch = self._scratch_like(w)
        if any(one.coupled for one in self.frames):
            g.addcmul_(w, torch.mul(numbers["coupled"], self.pulled_P, out=scratch))
        if "lost" in numbers:
            w.addcmul_(w, torch.mul(numbers["lost"], self.pulled_P, out=scratch), value=-1)
        if m is not None and self._is_mean:
            m.lerp_(g, numbers["q"])
        elif m is not None:
            m.mul_(numbers["p"]).addcmul_(g, numbers["q"])
        if v is None:
            w.addcmul_(self._direction(g, m, numbers), numbers["rate"], value=-1)
        else:
            shares = {one.z for one in self.frames}
            v.mul_(numbers["u"])
            if len(shares) == 1:
                v.addcmul_(g, g, value=shares.pop())
            else:
                v.addcmul_(torch.mul(g, numbers["z"], out=scratch), g)
            sizes = torch.sqrt(v, out=scratch).mul_(numbers["e"]).add_(numbers["eps"])
            w.addcdiv_(self._direction(g, m, numbers), sizes, value=-1)
        if "reach" in numbers:  # as `optimizers.shrink` does: towards 0 by l1 times the rate under a steady gradient
            rate = numbers["rate"] if v is None else scratch.reciprocal_()  # in which the sizes are
            reach = numbers["reach"] * rate * self.pulled_P
            w.copy_(w.sign() * (w.abs() - reach).clamp_(min=0))

    def _direction(self, g: Tensor, m: Tensor | None, numbers: Mapping[str, Tensor]) -> Tensor:
        if m is None:
            return g
        return m if self._is_m else g.mul_(numbers["r"]).addcmul_(m, numbers["s"])

    @property
    def _is_mean(self) -> bool:
        return all(one.q == 1 - one.p for one in self.frames)

    @property
    def _is_m(self) -> bool:
        return all(one.r == 0 and one.s == 1 for one in self.frames)

    def _scratch_like(self, rows: Tensor) -> Tensor:
        if self._scratch is None or len(self._scratch) < len(rows):
            self._scratch = torch.empty_like(rows)
        return self._scratch[: len(rows)]


def _as_columns(numbers: Mapping[str, Sequence[float]], like: Tensor) -> dict[str, Tensor]:
    each = torch.tensor(list(numbers.values()), dtype=like.dtype, device=like.device)[..., None]
    return dict(zip(numbers, each, strict=True))


def _runs(pulled_P: Tensor) -> list[tuple[slice, bool]]:
    """Return the stretches of weights that penalties pull on and those they do not, in their order."""
    changes = (pulled_P.diff().nonzero().flatten() + 1).tolist()
    ends = [0, *changes, len(pulled_P)]
    return [(slice(start, end), bool(pulled_P[start])) for start, end in pairwise(ends)]
