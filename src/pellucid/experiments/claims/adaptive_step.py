"""The adaptive step is lr m / √V; the slip is to multiply, lr m √V.

One frame for all: a first moment m of the gradient g, a second moment V, and a step of them. RMSProp has m = g and V
the average of g²; Adam averages both and corrects them for their beginning at 0.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.chart import Axis, Bar, Bars, Chart, Line
from pellucid.data import Dataset, load
from pellucid.experiments.evidence import alike, exact, times
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.seed import generator, seed_torch

_STEPS, _BATCH, _COMPARED = 200, 32, 50
_RATES = {"divided": np.geomspace(1e-4, 1, 9).tolist(), "multiplied": np.geomspace(1e-2, 1e4, 13).tolist()}
_USUAL = 1e-3
_UNITS = "A loss ten times as large takes the same steps of m / √V, and steps of m √V a hundred times as long."


@dataclass(frozen=True, slots=True)
class Frame:
    """How the two moments are averaged.

    Attributes:
        first, second: what is kept of the last average at a step; 0 for no average.
        corrected: whether they are divided by 1 - β^t.
    """

    first: float
    second: float
    corrected: bool


ADAM, RMSPROP = Frame(0.9, 0.999, corrected=True), Frame(0.0, 0.99, corrected=False)


class Adaptive(torch.optim.Optimizer):
    """Steps of lr m / (√V + 1e-8), or in the form of the slip of lr m √V."""

    def __init__(self, weights: Iterable[Tensor], rate: float, frame: Frame, *, divides: bool) -> None:
        super().__init__(weights, {"lr": rate})
        self._frame, self._divides, self._taken = frame, divides, 0

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take a step down the gradients that the weights have."""
        assert closure is None
        self._taken += 1
        frame = self._frame
        for weight in self.param_groups[0]["params"]:
            first, second = self.state[weight].setdefault("moments", [torch.zeros_like(weight) for _ in range(2)])
            first.lerp_(weight.grad, 1 - frame.first)
            second.lerp_(weight.grad.square(), 1 - frame.second)
            m, v = first, second
            if frame.corrected:
                m, v = first / (1 - frame.first**self._taken), second / (1 - frame.second**self._taken)
            scaled = m / (v.sqrt() + 1e-8) if self._divides else m * v.sqrt()
            weight.sub_(self.param_groups[0]["lr"] * scaled)


Making = Callable[[Iterable[Tensor]], torch.optim.Optimizer]


@dataclass(frozen=True, slots=True)
class Descent:
    """A training: the loss of each batch before its step, the first step of each weight, and the weights at the end."""

    losses: list[float]
    first_step: Tensor
    weights: Tensor


def descend(data: Dataset, seed: int, making: Making, steps: int) -> Descent:
    """Train 64-32-10 with tanh on the digits for so many steps, up to where the loss is no longer finite."""
    inputs_N, targets_N = data.split("train")
    seed_torch(seed, "weights")
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))
    optimizer = making(network.parameters())
    start, losses, first_step = _flat(network), [], None
    drawn = generator(seed, "batches")
    for _ in range(steps):
        rows_B = torch.randint(len(inputs_N), (_BATCH,), generator=drawn)
        loss = F.cross_entropy(network(inputs_N[rows_B]), targets_N[rows_B])
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            losses += [math.inf] * (steps - len(losses))
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        first_step = _flat(network) - start if first_step is None else first_step
    assert first_step is not None
    return Descent(losses, first_step, _flat(network))


def measure(seeds: Sequence[int]) -> Result:
    """Train in both forms, hold them against torch's optimisers, and compare the steps of the weights."""
    data = load("digits")
    apart = {form: [_apart(data, seed, divides=form == "divided") for seed in seeds] for form in _RATES}
    spreads = {name: [_spread(descend(data, seed, making, 1).first_step) for seed in seeds]
               for name, making in _forms(1e-2).items()}  # fmt: skip
    best = {form: [_best(data, seed, form) for seed in seeds] for form in _RATES}
    losses = {form: [_end(one) for one in every] for form, every in best.items()}
    usual = {form: [_end(descend(data, seed, _forms(_USUAL)[form], _STEPS)) for seed in seeds] for form in _RATES}
    return Result(
        checks=(
            exact(f"Steps of m √V are torch's Adam's: after {_COMPARED} of them no weight differs", apart["multiplied"],
                  0, tolerance=1e-6),
            times("Steps of m √V are more alike over the weights than those of plain descent (the 90th percentile of"
                  " the first step's size over the 10th)", spreads["plain"], spreads["multiplied"]),
            alike(f"At Adam's usual rate of {_USUAL} steps of m √V end at as low a loss as steps of m / √V (mean of the"
                  f" last {_STEPS // 10} batches)", usual["multiplied"], usual["divided"], within=0.05),
            alike("At the best rate of each, steps of m √V end at as low a loss as steps of m / √V",
                  losses["multiplied"], losses["divided"], within=0.05),
        ),
        quantities=(
            *(Quantity(name=f"greatest difference of a weight from torch's Adam, {form}", values=values, scale="log")
              for form, values in apart.items()),
            *(Quantity(name=f"90th over 10th percentile of the first step's size, {name}", values=values, scale="log")
              for name, values in spreads.items()),
            *(Quantity(name=f"training loss at the end, {form}, rate {_USUAL}", values=values)
              for form, values in usual.items()),
            *(Quantity(name=f"training loss at the end, {form}, best rate", values=values)
              for form, values in losses.items()),
        ),
        figures=(_falling(best, losses), _unlike(spreads)),
        notes=(_UNITS,),
    )  # fmt: skip


def _forms(rate: float) -> dict[str, Making]:
    return {
        "plain": lambda weights: torch.optim.SGD(weights, rate),
        "divided": lambda weights: Adaptive(weights, rate, ADAM, divides=True),
        "multiplied": lambda weights: Adaptive(weights, rate, ADAM, divides=False),
    }


def _apart(data: Dataset, seed: int, *, divides: bool) -> float:
    """Return by how much a weight differs at most from what torch's Adam makes of it."""
    ours = descend(data, seed, lambda weights: Adaptive(weights, _USUAL, ADAM, divides=divides), _COMPARED)
    theirs = descend(data, seed, lambda weights: torch.optim.Adam(weights, _USUAL), _COMPARED)
    return float((ours.weights - theirs.weights).abs().max())


def _spread(step: Tensor) -> float:
    """Return how unlike the sizes of a step are; weights of pixels that are always dark take none and do not count."""
    sizes = step[step != 0].abs().double()
    low, high = torch.quantile(sizes, torch.tensor([0.1, 0.9]).double()).tolist()
    return float(high / low)


def _best(data: Dataset, seed: int, form: str) -> Descent:
    """Return the training at the rate that ends lowest."""
    return min((descend(data, seed, _forms(rate)[form], _STEPS) for rate in _RATES[form]), key=_end)


def _end(one: Descent) -> float:
    return fmean(one.losses[-_STEPS // 10 :])


def _flat(network: nn.Module) -> Tensor:
    return torch.cat([weight.detach().flatten() for weight in network.parameters()])


def _falling(best: Mapping[str, Sequence[Descent]], losses: Mapping[str, Sequence[float]]) -> Chart:
    return Chart(
        title="Dividing and multiplying",
        detail="training loss of each batch at the best rates; the band goes from the least to the greatest seed",
        says="The loss ends at " + ", ".join(f"{fmean(each):.3g} {form}" for form, each in losses.items()) + ".",
        x=Axis("step"),
        y=Axis("training loss (nats)", "log"),
        lines=[
            Line(label={"divided": "m / √V", "multiplied": "m √V"}[form], x=list(range(_STEPS)),
                 runs=[one.losses for one in every])
            for form, every in best.items()
        ],
    )  # fmt: skip


def _unlike(spreads: Mapping[str, Sequence[float]]) -> Bars:
    return Bars(
        title="How unlike the steps of the weights are",
        detail="90th over 10th percentile of the first step's size; a dot a seed",
        says="It is " + ", ".join(f"{fmean(values):.3g} {name}" for name, values in spreads.items()) + ".",
        axis=Axis("ratio of step sizes", "log"),
        bars=[Bar(label=name, runs=values) for name, values in spreads.items()],
    )


EXPERIMENT = Experiment(
    name="adaptive-step",
    title="The adaptive step divides by √V",
    topic="Errata",
    claim="The step of RMSProp and Adam is η = lr · m · √V, with the moments m and V of the gradient.",
    source="The slip is one of lecture notes; the right form: Kingma and Ba 2015, Adam, algorithm 1",
    method="A 64-32-10 network with tanh on the digits, batches of 32 drawn at random, Adam's moments (β 0.9 and 0.999,"
    f" corrected) with both steps. Against torch's Adam {_COMPARED} steps at its usual rate {_USUAL}. The loss after"
    f" {_STEPS} steps is that at this rate, and that at each seed's best: of 9 rates from 0.0001 to 1 (divided), of 13"
    " from 0.01 to 10,000 (multiplied), each √10 times the last.",
    measure=measure,
    seconds=9,
)
