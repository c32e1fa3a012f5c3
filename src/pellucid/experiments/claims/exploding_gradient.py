"""A gradient that grows with every step it goes back, by how much, and clipping its norm.

h_t = tanh(W x_t + U h_(t-1)) with h = 0 and x = 0 has dh_T/dh_(T-d) = U^d, whose norm grows like ρ(U)^d, with the
spectral radius ρ(U) = max |λ|. Elsewhere each step has a diagonal of slopes tanh' <= 1 beside U.

Shape letters: N sequences, T steps, F features of a step, H hidden units.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from pellucid.chart import Axis, Chart, Line
from pellucid.data import Dataset, load
from pellucid.experiments.evidence import above, exact, greater, times
from pellucid.experiments.experiment import Experiment, Quantity, Result, mean_of
from pellucid.experiments.trained import Trained, Variant, per_seed, train
from pellucid.judging.wording import percent
from pellucid.networks import build
from pellucid.networks.through_time import reach, recurrent_blocks

_NETWORK = "T x 1 -> rnn(32) -> last -> fc(10)"
_STEPS = 64
_RADII = (0.8, 1.0, 1.5)
_LARGE = _RADII[-1]
_FROM, _TO = 20, 60
_SEQUENCES = 16
_RATES = (0.1, 0.3, 1.0)
_EPOCHS = 8
_CHANCE = math.log(10)

Shares = dict[float, list[list[float]]]
"""For each spectral radius a row a seed: |∂h_T/∂x_(T-d)| as a share of |∂h_T/∂x_T|, by d."""


def scaled(radius: float) -> Callable[[nn.Module, int], None]:
    """Return what gives the recurrent weights a spectral radius, and leaves the layer without biases."""

    def prepare(network: nn.Module, seed: int) -> None:  # noqa: ARG001 (nothing is drawn)
        (block,) = recurrent_blocks(network)
        weights_HH = block.layer.get_parameter("weight_hh_l0")
        weights_HH.mul_(radius / torch.linalg.eigvals(weights_HH).abs().max())
        block.layer.get_parameter("bias_ih_l0").zero_()
        block.layer.get_parameter("bias_hh_l0").zero_()

    return prepare


def shares(radius: float, seed: int, x_NTF: Tensor) -> list[float]:
    """Return |∂h_T/∂x_(T-d)| as a share of |∂h_T/∂x_T|, for d = 0, 1, ..., before training."""
    network = build(_NETWORK, seed=seed)
    with torch.no_grad():
        scaled(radius)(network, seed)
    (block,) = recurrent_blocks(network)
    norms_T = reach(block.double(), x_NTF.double()).flip(0)
    by_distance: list[float] = (norms_T / norms_T[0]).tolist()
    return by_distance


def measure(seeds: Sequence[int]) -> Result:
    """Measure the growth by spectral radius, then train at several rates with clipping and without."""
    data = _pixels()
    x_NTF = data.split("test")[0][:_SEQUENCES]
    at_rest = {radius: [shares(radius, seed, torch.zeros(1, _STEPS, 1)) for seed in seeds] for radius in _RADII}
    on_digits = {radius: [shares(radius, seed, x_NTF) for seed in seeds] for radius in _RADII}
    growth = {radius: [_growth(row) for row in rows] for radius, rows in at_rest.items()}
    damped = [_growth(row) for row in on_digits[_LARGE]]
    trained = train(data, _variants(), seeds, epochs=_EPOCHS, batch_size=32, optimizer="sgd")
    accuracy = {name: per_seed(each, lambda one: one.metrics()["accuracy"]) for name, each in trained.items()}
    plain, clipped = _name(_RATES[-1], clipped=False), _name(_RATES[-1], clipped=True)
    return Result(
        checks=(
            exact("At rest the gradient grows by the spectral radius ρ at each step back: growth / ρ is 1 within 5 %",
                  [value / radius for radius, values in growth.items() for value in values], 1, tolerance=0.05),
            times(f"A spectral radius of {_LARGE} makes it explode: over {_TO} steps at rest it grows more than a"
                  " millionfold", [row[_TO] for row in at_rest[_LARGE]], [1.0] * len(seeds), at_least=1e6),
            times(f"On the digits it grows less than by {_LARGE} a step, because tanh saturates",
                  [_LARGE] * len(seeds), damped),
            above(f"At rate {_RATES[-1]:g} a network that begins with a spectral radius of 1 diverges without clipping:"
                  f" its loss ends above the ln 10 = {_CHANCE:.2f} of guessing", _last_losses(trained[plain]), _CHANCE),
            greater("With its gradient clipped to a norm of 1 the same network learns at the same rate",
                    accuracy[clipped], accuracy[plain], by=0.1, share=True),
        ),
        quantities=(
            *(Quantity(name=f"growth a step at rest, spectral radius {radius:g}", values=values)
              for radius, values in growth.items()),
            Quantity(name=f"growth a step on digits, spectral radius {_LARGE:g}", values=damped),
            *(Quantity(name=f"test accuracy, {name}", values=values, share=True) for name, values in accuracy.items()),
            *(Quantity(name=f"greatest gradient norm, {name}", values=per_seed(each, _greatest), scale="log")
              for name, each in trained.items()),
        ),
        figures=(_lengths(at_rest, on_digits), _rates(accuracy)),
        notes=("A smaller rate does without clipping; clipping lets a larger one through.",),
    )  # fmt: skip


def _pixels() -> Dataset:
    """Return the digits as sequences of their 64 pixels, row by row."""
    digits = load("digits")
    x_NCHW, y_N = digits.batch(torch.arange(len(digits)))
    return load((x_NCHW.reshape(-1, _STEPS, 1).numpy(), y_N.numpy()))


def _name(rate: float, *, clipped: bool) -> str:
    return f"rate {rate:g}, {'clipped' if clipped else 'not clipped'}"


def _variants() -> dict[str, Variant]:
    return {
        _name(rate, clipped=clipped): Variant(
            network=_NETWORK,
            prepare=scaled(1.0),
            options={"learning_rate": rate, "clip_norm": 1.0 if clipped else None},
        )
        for clipped in (False, True)
        for rate in _RATES
    }


def _growth(row: Sequence[float]) -> float:
    """Return the mean growth a step, geometric; the first steps, which other eigenvalues rule, are left out."""
    return float((row[_TO] / row[_FROM]) ** (1 / (_TO - _FROM)))


def _last_losses(trained: Sequence[Trained]) -> list[float]:
    return per_seed(trained, lambda one: math.inf if one.diverged else one.losses[-1])


def _greatest(one: Trained) -> float:
    return max(step.gradient_norm for step in one.steps)


def _lengths(at_rest: Shares, on_digits: Shares) -> Chart:
    distances = list(range(_TO + 1))
    means = {
        radius: mean_of(Quantity(name="", values=[row[_TO] for row in rows], scale="log"))
        for radius, rows in at_rest.items()
    }
    return Chart(
        title="Growing or shrinking at every step",
        detail="|∂h(T) / ∂x(T - d)| as a share of |∂h(T) / ∂x(T)|, before training, by the spectral radius ρ",
        says=f"{_TO} steps back, at rest: "
        + ", ".join(f"ρ = {each:g} {mean:.1g}" for each, mean in means.items())
        + ".",
        x=Axis("steps back, d"),
        y=Axis("share of the last step's gradient", "log"),
        lines=[
            Line(label=f"ρ = {radius:g}, {where}", x=distances, runs=[row[: _TO + 1] for row in rows])
            for where, each in (("at rest", at_rest), ("on digits", on_digits))
            for radius, rows in each.items()
        ],
    )


def _rates(accuracy: dict[str, list[float]]) -> Chart:
    rows = {
        clipped: [list(run) for run in zip(*(accuracy[_name(rate, clipped=clipped)] for rate in _RATES), strict=True)]
        for clipped in (False, True)
    }
    means = [sum(run[-1] for run in runs) / len(runs) for runs in rows.values()]
    return Chart(
        title="What clipping rescues",
        detail=f"test accuracy after {_EPOCHS} epochs by the learning rate; ρ = 1 at the start",
        says=f"At rate {_RATES[-1]:g} the network is right for {percent(means[0])} of the digits, with clipping for"
        f" {percent(means[1])}.",
        x=Axis("learning rate", "log"),
        y=Axis("test accuracy", "percent", ends=(0, 1)),
        lines=[
            Line(label="clipped to a norm of 1" if clipped else "not clipped", x=_RATES, runs=runs)
            for clipped, runs in rows.items()
        ],
        levels=[("chance", 0.1)],
    )


EXPERIMENT = Experiment(
    name="exploding-gradient",
    title="The gradient explodes, and is clipped",
    topic="Depth",
    claim="The gradient of a recurrent network is multiplied by its recurrent weights at each step back. Where their"
    " spectral radius is above 1 it can grow geometrically with the length; clipping its norm keeps a training from"
    " being thrown off.",
    source="Pascanu, Mikolov and Bengio 2013, On the difficulty of training recurrent neural networks, sections 2.1 and"
    " 3.2",
    method=f"A plain recurrent layer of 32 units (tanh, no biases) reads the {_STEPS} pixels of a digit one by one. Its"
    f" recurrent weights are torch's, scaled to spectral radii of {', '.join(map(str, _RADII))}: derivatives of the"
    f" last state by the input d steps back, at rest (inputs 0) and on {_SEQUENCES} digits; growth from d = {_FROM} to"
    f" {_TO}. Trained from a spectral radius of 1 with SGD at rates {', '.join(map(str, _RATES))}, {_EPOCHS} epochs in"
    " batches of 32, with clipping to a norm of 1 and without.",
    measure=measure,
    seconds=12,
)
