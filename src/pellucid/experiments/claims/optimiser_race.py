"""Optimisers on a ravine, at a saddle and on a network, each at the rate that did best elsewhere.

Shape letters: S starts, one a seed; the two weights x and y of a surface.
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, geometric_mean

import numpy as np
import torch
from torch import Tensor

from pellucid.chart import Axis, Chart, Line, Path, Surface
from pellucid.data import load
from pellucid.experiments.evidence import greater, times
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.experiments.trained import Trained, Variant, per_seed, train

_NETWORK = "8x8x1 -> fc(32) -> relu -> fc(10)"
_EPOCHS, _PATIENCE = 10, 700
_OTHER_STARTS, _OTHER_SEEDS = 10, 2
_NETWORK_RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
_SURFACE_RATES = tuple(2.0**power for power in range(-10, 1))
_CURVATURES = (1.0, 100.0)
_SHOWN = ("sgd", "momentum", "rmsprop", "adam")

_ALIGNED = "The ravine lies along the axes, which favours a step size for each weight: turned, it would not."
_UNSETTLED = (
    "At a constant rate RMSProp goes on moving about a minimum by about that rate, so that only low rates, which are"
    " slow on the way, stay below a bound."
)

Function = Callable[[Tensor], Tensor]

OPTIMISERS: Mapping[str, Callable[[list[Tensor], float], torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "momentum": lambda weights, rate: torch.optim.SGD(weights, rate, momentum=0.9),
    "nesterov": lambda weights, rate: torch.optim.SGD(weights, rate, momentum=0.9, nesterov=True),
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
}


def ravine(at_S2: Tensor) -> Tensor:
    """Return (x² + 100 y²) / 2, a valley whose walls are 100 times as curved as its floor."""
    return (at_S2.square() * at_S2.new_tensor(_CURVATURES)).sum(-1) / 2


def saddle(at_S2: Tensor) -> Tensor:
    """Return x² - y² + y⁴: a saddle at 0, and minima of -1/4 at y = ±1/√2."""
    x_S, y_S = at_S2.unbind(-1)
    return x_S.square() - y_S.square() + y_S**4


def descend(function: Function, name: str, rate: float, start_S2: Tensor, steps: int) -> Tensor:
    """Return the places (steps + 1, S, 2) that an optimiser comes through; each start is a descent of its own."""
    at_S2 = start_S2.clone().requires_grad_()
    optimizer = OPTIMISERS[name]([at_S2], rate)
    places = [start_S2]
    for _ in range(steps):
        optimizer.zero_grad()
        function(at_S2).sum().backward()
        optimizer.step()
        places.append(at_S2.detach().clone())
    return torch.stack(places)


def steps_until(function: Function, below_S: Tensor, places: Tensor) -> list[float]:
    """Return after how many steps each start is below its bound for good; one more than were taken where it is not."""
    is_above = ~(function(places) < below_S)  # what has diverged to NaN is above, too
    backwards_S = is_above.flip(0).int().argmax(0)
    return torch.where(is_above.any(0), len(places) - backwards_S, 0).double().tolist()


def measure(seeds: Sequence[int]) -> Result:
    """Choose each optimiser's rate with other seeds, then race them from the starts of these."""
    others = range(max(seeds) + 1, max(seeds) + 1 + _OTHER_STARTS)
    on_ravine, ravine_rates = _raced(ravine, _ravine_starts, seeds, others)
    at_saddle, saddle_rates = _raced(saddle, _saddle_starts, seeds, others)
    network_rates = _network_rates(others[:_OTHER_SEEDS])
    trained = _train({name: (name, rate) for name, rate in network_rates.items()}, seeds)
    losses = {name: per_seed(every, lambda one: one.metrics("train")["loss"]) for name, every in trained.items()}
    return Result(
        checks=(
            times("Along the ravine plain descent takes more steps than momentum", on_ravine["sgd"],
                  on_ravine["momentum"]),
            times("Along the ravine plain descent takes more steps than RMSProp", on_ravine["sgd"],
                  on_ravine["rmsprop"]),
            times("Beside the saddle plain descent takes more steps to leave than RMSProp", at_saddle["sgd"],
                  at_saddle["rmsprop"]),
            greater("The network's training loss is higher with plain descent than with momentum", losses["sgd"],
                    losses["momentum"]),
            greater("The network's training loss is higher with plain descent than with Adam", losses["sgd"],
                    losses["adam"]),
        ),
        quantities=(
            *(Quantity(name=f"steps along the ravine, {name} at {ravine_rates[name]:.3g}", values=values, scale="log")
              for name, values in on_ravine.items()),
            *(Quantity(name=f"steps to leave the saddle, {name} at {saddle_rates[name]:.3g}", values=values,
                       scale="log") for name, values in at_saddle.items()),
            *(Quantity(name=f"training loss after {_EPOCHS} epochs, {name} at {network_rates[name]:g}", values=values)
              for name, values in losses.items()),
        ),
        notes=(_ALIGNED, _UNSETTLED),
        figures=(_on_contours(seeds, ravine_rates, on_ravine), _on_network(trained, losses)),
    )  # fmt: skip


def _ravine_starts(seeds: Sequence[int]) -> Tensor:
    drawn = [np.random.default_rng(seed).uniform((-2, 0.2), (-1, 0.6)) for seed in seeds]
    return torch.from_numpy(np.stack(drawn))


def _saddle_starts(seeds: Sequence[int]) -> Tensor:
    drawn = [np.random.default_rng(seed).uniform((0.5, 1e-4), (1, 1e-3)) for seed in seeds]
    return torch.from_numpy(np.stack(drawn))


def _raced(
    function: Function, starts: Callable[[Sequence[int]], Tensor], seeds: Sequence[int], others: Sequence[int]
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Return the steps that each optimiser takes from each start, and its rate: the fastest from other starts."""

    def taken(name: str, rate: float, start_S2: Tensor) -> list[float]:
        # down to a ten-thousandth of the height; the saddle's minima lie at -1/4
        below_S = torch.full((len(start_S2),), -0.2) if function is saddle else function(start_S2) * 1e-4
        return steps_until(function, below_S, descend(function, name, rate, start_S2, _PATIENCE))

    rates = {
        name: min(_SURFACE_RATES, key=lambda rate: fmean(taken(name, rate, starts(others))))
        for name in OPTIMISERS
    }  # fmt: skip
    return {name: taken(name, rate, starts(seeds)) for name, rate in rates.items()}, rates


def _train(chosen: Mapping[str, tuple[str, float]], seeds: Sequence[int]) -> dict[str, list[Trained]]:
    variants = {
        label: Variant(network=_NETWORK, options={"optimizer": name, "learning_rate": rate})
        for label, (name, rate) in chosen.items()
    }
    return train(load("digits"), variants, seeds, epochs=_EPOCHS, batch_size=32)


def _network_rates(seeds: Sequence[int]) -> dict[str, float]:
    """Return for each optimiser the rate of the lowest mean training loss."""
    tried = _train({f"{name} {rate}": (name, rate) for name in OPTIMISERS for rate in _NETWORK_RATES}, seeds)

    def loss(name: str, rate: float) -> float:
        every = tried[f"{name} {rate}"]
        return fmean(float("inf") if one.diverged else one.metrics("train")["loss"] for one in every)

    return {name: min(_NETWORK_RATES, key=lambda rate: loss(name, rate)) for name in OPTIMISERS}


def _on_contours(seeds: Sequence[int], rates: Mapping[str, float], steps: Mapping[str, list[float]]) -> Surface:
    at_x, at_y = torch.linspace(-2.1, 1, 63).double(), torch.linspace(-0.7, 0.7, 57).double()
    z = ravine(torch.stack(torch.meshgrid(at_x, at_y, indexing="xy"), -1))
    paths = []
    for name in _SHOWN:
        places = descend(ravine, name, rates[name], _ravine_starts(seeds[:1]), 60)[:, 0]
        paths.append(Path(label=name, x=places[:, 0].tolist(), y=places[:, 1].tolist()))
    return Surface(
        title="A race along a ravine",
        detail="the first 60 steps on (x² + 100 y²) / 2, from the first seed's start; a diamond ends each",
        says="Steps down to a ten-thousandth of the height: "
        + ", ".join(f"{geometric_mean(values):.3g} {name}" for name, values in steps.items())
        + ".",
        x=Axis("x"),
        y=Axis("y"),
        at_x=at_x.tolist(),
        at_y=at_y.tolist(),
        z=z.tolist(),
        paths=paths,
        scale="log",
    )


def _on_network(trained: Mapping[str, list[Trained]], losses: Mapping[str, list[float]]) -> Chart:
    return Chart(
        title="The same race on a network",
        detail="mean training loss of each epoch; the band goes from the least to the greatest seed",
        says=f"After {_EPOCHS} epochs the training loss is "
        + ", ".join(f"{fmean(values):.2g} with {name}" for name, values in losses.items())
        + ".",
        x=Axis("epoch"),
        y=Axis("training loss (nats)", "log"),
        lines=[
            Line(label=name, x=list(range(1, _EPOCHS + 1)), runs=[one.losses for one in every])
            for name, every in trained.items()
        ],
    )


EXPERIMENT = Experiment(
    name="optimiser-race",
    title="A race of optimisers",
    topic="Descending",
    claim="Momentum and per-weight step sizes speed descent up where curvatures differ: along a ravine, at a saddle,"
    " and on a network.",
    source="Polyak 1964, Some methods of speeding up the convergence of iteration methods; Sutskever et al. 2013, On"
    " the importance of initialization and momentum in deep learning; Kingma and Ba 2015, Adam",
    method="torch.optim's optimisers, momentum 0.9, on (x² + 100 y²) / 2 down to a ten-thousandth of the height, and on"
    " x² - y² + y⁴ from beside its saddle down to -0.2, for good; a start a seed, drawn uniformly. Then"
    f" {_NETWORK} on the digits, {_EPOCHS} epochs with batches of 32. Each takes the rate that is fastest over"
    f" {_OTHER_STARTS} other starts, or ends at the lowest training loss over {_OTHER_SEEDS} other seeds: on the"
    " surfaces of 1, 1/2, 1/4 and so on to 1/1024, on the network of "
    + ", ".join(f"{rate:g}" for rate in _NETWORK_RATES)
    + f". A surface is given up after {_PATIENCE:,} steps.",
    measure=measure,
    seconds=18,
)
