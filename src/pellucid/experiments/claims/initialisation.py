"""How large activations are, layer by layer, under each start of the weights.

Weights of variance σ² around 0 make sums z = W a of mean square n σ² E a², n inputs. ReLU lets half of it through,
whatever the width: E a_l² = (n σ² / 2) E a_(l-1)². Of tanh E a² < E z².

Shape letters: D draws of a network, B images, N inputs and M units of a layer, L layers.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Generator, Tensor, nn

from pellucid.chart import Axis, Chart, Line
from pellucid.data import load
from pellucid.experiments.evidence import above, below, times
from pellucid.experiments.experiment import Check, Experiment, Quantity, Result, mean_of
from pellucid.seed import generator

_LAYERS, _WIDTH, _DRAWS, _IMAGES = 20, 256, 8, 64
_SATURATED = 0.99
_GAP = math.nan

Start = Callable[[Tensor, Generator], Tensor]
"""Draws one layer's weights, (M, N), in place."""

STARTS: Mapping[str, Start] = {
    "deviation 1/√n": lambda w_MN, random: nn.init.normal_(w_MN, 0, w_MN.shape[1] ** -0.5, generator=random),
    "uniform ±0.03": lambda w_MN, random: nn.init.uniform_(w_MN, -0.03, 0.03, generator=random),
    "torch's ±1/√n": lambda w_MN, random: nn.init.uniform_(
        w_MN, -(w_MN.shape[1] ** -0.5), w_MN.shape[1] ** -0.5, generator=random
    ),
    "He": lambda w_MN, random: nn.init.kaiming_normal_(w_MN, nonlinearity="relu", generator=random),
    "Xavier": lambda w_MN, random: nn.init.xavier_normal_(w_MN, generator=random),
    "deviation 1": lambda w_MN, random: nn.init.normal_(w_MN, 0, 1, generator=random),
}
_SMALL = ("uniform ±0.03", "torch's ±1/√n")
_LARGE = "deviation 1"

Profile = Mapping[str, list[list[float]]]
"""For each start a row a seed: the mean square of the activations of each layer."""


def variances(start: str) -> list[float]:
    """Return n σ² of each layer, for n inputs and weights of variance σ²."""
    pairs = [(64, _WIDTH), *[(_WIDTH, _WIDTH)] * (_LAYERS - 1)]
    weights = {
        "deviation 1/√n": [1 / n for n, _ in pairs],
        "uniform ±0.03": [0.03**2 / 3 for _ in pairs],
        "torch's ±1/√n": [1 / (3 * n) for n, _ in pairs],
        "He": [2 / n for n, _ in pairs],
        "Xavier": [2 / (n + m) for n, m in pairs],
        "deviation 1": [1.0 for _ in pairs],
    }
    return [n * variance for (n, _), variance in zip(pairs, weights[start], strict=True)]


def expected(start: str, square: float) -> list[float]:
    """Return the mean square of each ReLU layer's activations, E a_l² = (n σ² / 2) E a_(l-1)².

    Args:
        start: its name in `STARTS`.
        square: mean square of the inputs.
    """
    squares = []
    for variance in variances(start):
        square *= variance / 2
        squares.append(square)
    return squares


def activations(
    start: str, activation: Callable[[Tensor], Tensor], x_BN: Tensor, random: Generator
) -> tuple[list[float], float]:
    """Return the mean square of each layer's activations, and the share of the last that are beyond ±0.99."""
    squares = []
    a_DBN = x_BN.expand(_DRAWS, *x_BN.shape)
    for _ in range(_LAYERS):
        w_DMN = torch.stack([STARTS[start](torch.empty(_WIDTH, a_DBN.shape[2]), random) for _ in range(_DRAWS)])
        a_DBN = activation(a_DBN @ w_DMN.mT)
        squares.append(float(a_DBN.double().square().mean()))  # of ReLU up to 10^42, which float32 does not reach
    return squares, float((a_DBN.abs() > _SATURATED).double().mean())


def measure(seeds: Sequence[int]) -> Result:
    """Draw each start, and let images through 20 layers."""
    x_BN = load("digits").split("train")[0][:_IMAGES].flatten(1)
    relu, _ = _profiles(torch.relu, x_BN, seeds)
    tanh, saturated = _profiles(torch.tanh, x_BN, seeds)
    predicted = {name: expected(name, float(x_BN.square().mean())) for name in STARTS}
    return Result(
        checks=_checks(relu, tanh, saturated[_LARGE], predicted),
        quantities=(
            *(_left(f"last layer's mean square / first's, ReLU, {name}", _ratios(rows)) for name, rows in relu.items()),
            *(_left(f"last layer's mean square / first's, tanh, {name}", _ratios(rows)) for name, rows in tanh.items()),
            Quantity(name=f"units beyond ±{_SATURATED}, tanh, {_LARGE}", values=saturated[_LARGE], share=True),
        ),
        figures=(_relu_figure(relu, predicted), _tanh_figure(tanh)),
        notes=_notes(tanh),
    )  # fmt: skip


def _profiles(
    activation: Callable[[Tensor], Tensor], x_BN: Tensor, seeds: Sequence[int]
) -> tuple[Profile, Mapping[str, list[float]]]:
    squares: dict[str, list[list[float]]] = {}
    saturated: dict[str, list[float]] = {}
    for name in STARTS:
        both = [activations(name, activation, x_BN, generator(seed, "initialisation", name)) for seed in seeds]
        squares[name], saturated[name] = [each for each, _ in both], [share for _, share in both]
    return squares, saturated


def _checks(
    relu: Profile, tanh: Profile, saturated: list[float], predicted: Mapping[str, list[float]]
) -> tuple[Check, ...]:
    small = zip(*(_ratios(profile[name]) for profile in (relu, tanh) for name in _SMALL), strict=True)
    most_left = [max(ratios) for ratios in small]
    off = zip(*([_factor(row[-1] / predicted[name][-1]) for row in rows] for name, rows in relu.items()), strict=True)
    return (
        below(f"He's weights keep the mean square of the activations through {_LAYERS} layers of ReLU: the factor"
              " between first and last layer is less than 2", [_factor(ratio) for ratio in _ratios(relu["He"])], 2),
        below(f"Xavier's weights keep it through {_LAYERS} layers of tanh: the factor between first and last layer is"
              " less than 2", [_factor(ratio) for ratio in _ratios(tanh["Xavier"])], 2),
        times("Smaller weights (±0.03, torch's) let it vanish, through ReLU and through tanh: even where most is left,"
              f" the first layer's is more than a million times the {_LAYERS}th's", [1.0] * len(most_left), most_left,
              at_least=1e6),
        above(f"Weights of deviation 1 saturate tanh: most units of the last layer are beyond ±{_SATURATED}", saturated,
              0.5, share=True),
        below("Through ReLU each layer multiplies the mean square by n σ² / 2, under every start: after"
              f" {_LAYERS} layers even the start that is furthest off is off by a factor of less than 2",
              [max(each) for each in off], 2),
    )  # fmt: skip


def _notes(tanh: Profile) -> tuple[str, ...]:
    return (
        (
            "Through tanh the mean square falls even where the sums keep it, for |tanh z| < |z|. Under deviation 1/√n"
            f" it falls like a power of the depth, about 1 / (2 l): at layer l = {_LAYERS} {1 / (2 * _LAYERS):.3g}"
            f" (measured {_last(tanh['deviation 1/√n']):.3g}); under a smaller deviation it falls geometrically."
        ),
        (
            f"He's weights, meant for ReLU, keep {_last(tanh['He']):.2g} through tanh: their factor of 2 makes up for"
            " what tanh takes. torch's gain of 5/3 for tanh is there for the same reason."
        ),
        (
            "The other way round Xavier's weights lose half at each ReLU layer. Between layers of equal width they are"
            " of deviation 1/√n."
        ),
        (
            "Biases are 0 here. torch draws its own like its weights, and they add to each layer's sums, whatever the"
            " image."
        ),
    )


def _ratios(rows: list[list[float]]) -> list[float]:
    return [row[-1] / row[0] for row in rows]


def _factor(ratio: float) -> float:
    """Return by how much a ratio is away from 1, whichever way: 2 and 1/2 are both 2."""
    return max(ratio, 1 / ratio)


def _left(name: str, values: Sequence[float]) -> Quantity:
    return Quantity(name=name, values=values, scale="log")


def _last(rows: list[list[float]]) -> float:
    return mean_of(_left("", [row[-1] for row in rows]))


def _relu_figure(relu: Profile, predicted: Mapping[str, list[float]]) -> Chart:
    # where layers are equally wide, Xavier's weights are of deviation 1/√n, and their line would lie on the other's
    drawn = {name: rows for name, rows in relu.items() if name != "Xavier"}
    every = [(float(layer), value) for name in drawn for layer, value in [*_numbered(predicted[name]), (_LAYERS, _GAP)]]
    return Chart(
        title="Through ReLU each layer multiplies by n σ² / 2",
        detail="mean square of the activations by layer; Xavier's weights are as those of deviation 1/√n",
        says=f"At layer {_LAYERS}: " + ", ".join(f"{name} {_last(rows):.1g}" for name, rows in relu.items()) + ".",
        x=Axis("layer"),
        y=Axis("mean square of the activations", "log"),
        lines=[
            *(Line(label=name, x=range(1, _LAYERS + 1), runs=rows) for name, rows in drawn.items()),
            Line(label="expected", x=[x for x, _ in every], runs=[[y for _, y in every]], style="dashed"),
        ],
    )


def _numbered(values: Sequence[float]) -> list[tuple[int, float]]:
    return list(enumerate(values, start=1))


def _tanh_figure(tanh: Profile) -> Chart:
    return Chart(
        title="Through tanh",
        detail="mean square of the activations by layer, down to 1e-12",
        says=f"At layer {_LAYERS}: " + ", ".join(f"{name} {_last(rows):.1g}" for name, rows in tanh.items()) + ".",
        x=Axis("layer"),
        y=Axis("mean square of the activations", "log", ends=(1e-12, 2)),
        lines=[Line(label=name, x=range(1, _LAYERS + 1), runs=rows) for name, rows in tanh.items()],
    )


EXPERIMENT = Experiment(
    name="initialisation",
    title="How large the first weights are to be",
    topic="Beginning",
    claim="Weights of variance 2/n (He) keep the size of the activations through many layers of ReLU, of variance 1/n"
    " (Xavier) through tanh. Under smaller ones the signal vanishes, under larger ones units saturate.",
    source="Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward neural networks; He,"
    " Zhang, Ren and Sun 2015, Delving deep into rectifiers, section 2.2",
    method=f"{_IMAGES} images of digits through {_LAYERS} fully connected layers of {_WIDTH} units, biases 0, before"
    f" any training: the mean square of each layer's activations, averaged over {_DRAWS} draws of the weights for each"
    " seed, as the growth through one network of ReLU varies by a factor of about 2 with its draw.",
    measure=measure,
    seconds=4,
)
