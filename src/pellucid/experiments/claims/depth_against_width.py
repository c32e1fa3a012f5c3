"""Several layers against one: on real tables, and on a function that only depth makes cheap.

The tent m(x) = 2 relu(x) - 4 relu(x - 1/2) on [0, 1], applied k times, rises and falls 2^(k-1) times: 2^k linear pieces
from k layers of two units. One hidden layer of n ReLUs has at most n + 1 pieces, for each unit bends the line once
(Telgarsky 2016). Shape letters: B places where the line may bend, U units.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean

import numpy as np
import torch
from torch import Tensor, nn

from pellucid.chart import Axis, Bar, Bars, Chart, Line
from pellucid.data import Dataset, load
from pellucid.experiments.evidence import counted, greater
from pellucid.experiments.experiment import Check, Experiment, Quantity, Result
from pellucid.experiments.trained import Trained, Variant, train
from pellucid.seed import generator
from pellucid.training import evaluate

_NEURON, _DEEP, _SHALLOW, _LARGE = "8 → 1", "8 → 6 → 2 → 1", "8 → 7 → 1", "8 → 64 → 64 → 1"
_NETWORKS = {
    _NEURON: "8 -> fc(1)",
    _DEEP: "8 -> fc(6) -> tanh -> fc(2) -> tanh -> fc(1)",
    _SHALLOW: "8 -> fc(7) -> tanh -> fc(1)",
    _LARGE: "8 -> fc(64) -> tanh -> fc(64) -> tanh -> fc(1)",
}
_TABLES = {"diabetes": 100, "digits": 30}  # epochs, about 900 and 1,000 steps
_IGNORED = ("sex", "s4")
_RATE = 0.01
_DEEPEST = 10


def tent(layers: int) -> nn.Sequential:
    """Return the tent applied so many times, as a network with two ReLUs in each of its hidden layers."""
    network: list[nn.Module] = []
    for layer in range(layers):
        linear = nn.Linear(1 if layer == 0 else 2, 2, dtype=torch.float64)
        weight = torch.tensor([[1.0], [1.0]]) if layer == 0 else torch.tensor([[2.0, -4.0], [2.0, -4.0]])
        linear.load_state_dict({"weight": weight, "bias": torch.tensor([0.0, -0.5])})
        network += [linear, nn.ReLU()]
    last = nn.Linear(2, 1, dtype=torch.float64)
    last.load_state_dict({"weight": torch.tensor([[2.0, -4.0]]), "bias": torch.zeros(1)})
    return nn.Sequential(*network, last)


@torch.no_grad()
def pieces(network: nn.Sequential) -> int:
    """Return how many linear pieces a ReLU network in float64 has on [0, 1].

    Between two places where a layer's sums are known and linear, a unit that changes its sign bends the line at one
    more: where the sum is 0. These are found layer by layer.
    """
    x_B = torch.tensor([0.0, 1.0], dtype=torch.float64)
    for depth, layer in enumerate(network):
        if isinstance(layer, nn.ReLU):
            sums_BU = network[:depth](x_B[:, None])
            left_BU, right_BU = sums_BU[:-1], sums_BU[1:]
            crossed_BU = left_BU * right_BU < 0
            share_BU = left_BU / (left_BU - right_BU)
            zeros_BU = x_B[:-1, None] + share_BU * x_B.diff()[:, None]
            x_B = torch.cat([x_B, zeros_BU[crossed_BU]]).unique()
    slopes_B = network(x_B[:, None])[:, 0].diff() / x_B.diff()
    bends = slopes_B.diff().abs() > 1e-6 * slopes_B.abs().max()
    return 1 + int(bends.sum())


def measure(seeds: Sequence[int]) -> Result:
    """Train each network on two tables, split otherwise for each seed, and count pieces."""
    trained = {name: _trained(name, seeds) for name in _TABLES}
    best = {name: {network: [_r2(one) for one in of] for network, of in every.items()}
            for name, every in trained.items()}  # fmt: skip
    last = {(network, split): [one.metrics(split)["mse"] for one in trained["diabetes"][network]]
            for network in (_DEEP, _LARGE) for split in ("train", "test")}  # fmt: skip
    tents = [pieces(tent(layers)) for layers in range(1, _DEEPEST + 1)]
    random = {deep: [[pieces(_random(layers, seed, deep=deep)) for layers in range(1, _DEEPEST + 1)] for seed in seeds]
              for deep in (True, False)}  # fmt: skip
    return Result(
        checks=_checks(best, last, tents, random[False]),
        quantities=(
            *(Quantity(name=f"test R², {table}, {network}", values=values)
              for table, of in best.items() for network, values in of.items()),
            *(Quantity(name=f"{split} error (mean square) at the end, diabetes, {network}", values=values)
              for (network, split), values in last.items()),
            Quantity(name=f"pieces of the tent in {_DEEPEST} layers", values=[float(tents[-1])]),
            Quantity(name=f"pieces of random networks of {_DEEPEST} layers",
                     values=[float(row[-1]) for row in random[True]]),
        ),
        figures=(_bars(best), _chart(tents, random[True])),
        notes=(
            (
                f"That depth can make 2^{_DEEPEST} pieces does not say that it does: networks of the same layers with"
                f" random weights have {fmean(row[-1] for row in random[True]):.1f} on average (Hanin and Rolnick"
                " 2019, Complexity of linear regions in deep networks)."
            ),
        ),
    )  # fmt: skip


def _checks(
    best: Mapping[str, Mapping[str, list[float]]],
    last: Mapping[tuple[str, str], list[float]],
    tents: Sequence[int],
    shallow: Sequence[Sequence[int]],
) -> tuple[Check, ...]:
    doubled = sum(count == 2**layers for layers, count in enumerate(tents, start=1))
    few = [count <= 2 * layers + 1 for row in shallow for layers, count in enumerate(row, start=1)]
    diabetes, digits = best["diabetes"], best["digits"]
    return (
        greater(f"Of the digits, which no plane parts into even and odd, {_DEEP} explains more than {_NEURON}",
                digits[_DEEP], digits[_NEURON]),
        greater(f"It explains more of them than {_SHALLOW}, which has as many parameters (71)", digits[_DEEP],
                digits[_SHALLOW]),
        greater(f"Of the course of diabetes {_DEEP} explains more than {_NEURON}", diabetes[_DEEP],
                diabetes[_NEURON]),
        counted(f"The tent has 2^k linear pieces in k layers of two units, k = 1 to {_DEEPEST}", doubled, len(tents)),
        counted("One hidden layer of as many units has at most one piece more than units",
                sum(few), len(few)),
        greater(f"Too many units and layers fit the noise: at the end {_LARGE} has a greater test error on diabetes"
                f" than {_DEEP}", last[_LARGE, "test"], last[_DEEP, "test"]),
    )  # fmt: skip


def _trained(table: str, seeds: Sequence[int]) -> dict[str, list[Trained]]:
    variants = {name: Variant(network=network) for name, network in _NETWORKS.items()}
    by_seed = [
        train(_table(table, seed), variants, [seed], epochs=_TABLES[table], optimizer="adam", learning_rate=_RATE)
        for seed in seeds
    ]
    return {name: [of_seed[name][0] for of_seed in by_seed] for name in _NETWORKS}


def _table(name: str, seed: int) -> Dataset:
    """Return eight inputs and a number to predict, split by the seed."""
    if name == "diabetes":
        return load("diabetes", ignore=_IGNORED, split_seed=seed)
    digits = load("digits", split_seed=seed)
    pixels, labels = digits.inputs.flatten(1).double(), digits.targets
    training = pixels[digits.rows["train"]]
    _, _, directions = torch.linalg.svd(training - training.mean(0), full_matrices=False)
    inputs = (pixels - training.mean(0)) @ directions[:8].T
    return load((inputs.float().numpy(), (labels % 2).float().numpy()), task="regression", split_seed=seed)


def _r2(one: Trained) -> float:
    """Return the share of the test targets' variance that the weights of the best validation epoch explain."""
    session = one.session
    final = {name: weight.clone() for name, weight in session.network.state_dict().items()}
    session.network.load_state_dict(session.best_weights)
    metrics = evaluate(session.network, session.data, session.task, "test", session.device)
    session.network.load_state_dict(final)
    return metrics["r2"]


def _random(layers: int, seed: int, *, deep: bool) -> nn.Sequential:
    """Return a network of so many layers of two units, or one layer of as many units, with normal weights."""
    sizes = [1, *([2] * layers if deep else [2 * layers]), 1]
    drawn = generator(seed, "pieces", layers, str(deep))
    network: list[nn.Module] = []
    for inputs, outputs in zip(sizes[:-1], sizes[1:], strict=True):
        linear = nn.Linear(inputs, outputs, dtype=torch.float64)
        linear.load_state_dict({name: _normal(weight, drawn) for name, weight in linear.state_dict().items()})
        network += [linear, nn.ReLU()]
    return nn.Sequential(*network[:-1])


def _normal(weight: Tensor, drawn: torch.Generator) -> Tensor:
    return torch.randn(weight.shape, generator=drawn, dtype=weight.dtype)


def _bars(best: Mapping[str, Mapping[str, list[float]]]) -> Bars:
    written = "; ".join(
        f"{table}: " + ", ".join(f"{name} {fmean(values):.2f}" for name, values in of.items())
        for table, of in best.items()
    )
    return Bars(
        title="Whether layers help depends on the table",
        detail="test R² of the weights that did best on validation rows; a dot a seed",
        says=f"R² on the test rows: {written}.",
        axis=Axis("share of the variance explained, R²"),
        bars=[Bar(label=f"{table}, {name}", runs=values) for table, of in best.items() for name, values in of.items()],
    )


def _chart(tents: Sequence[int], random: Sequence[Sequence[int]]) -> Chart:
    layers = list(range(1, _DEEPEST + 1))
    return Chart(
        title="Depth folds, width bends once a unit",
        detail="linear pieces on [0, 1] by the number of layers of two ReLUs, or of pairs of ReLUs in one layer",
        says=f"{_DEEPEST} layers of two units: {tents[-1]:,} pieces; {2 * _DEEPEST} units in one layer: at most"
        f" {2 * _DEEPEST + 1}.",
        x=Axis("layers of two units"),
        y=Axis("linear pieces", "log"),
        lines=[
            Line(label="the tent, in layers", x=layers, runs=[tents]),
            Line(label="one layer, at most", x=layers, runs=[[2 * each + 1 for each in layers]], style="dashed"),
            Line(label="random weights, in layers", x=layers, runs=np.array(random).tolist()),
        ],
    )


EXPERIMENT = Experiment(
    name="depth-against-width",
    title="Several layers against one",
    topic="Depth",
    claim="A network of several layers does more than one of as many parameters in a single layer: each layer uses the"
    " features of the one before, and some functions need exponentially fewer units. Too many layers and units fit the"
    " noise.",
    source="Telgarsky 2016, Benefits of depth in neural networks; Bengio 2009, Learning deep architectures for AI;"
    " Goodfellow, Bengio and Courville 2016, Deep Learning, section 6.4.1",
    method=f"{', '.join(_NETWORKS)} with tanh, on two tables of eight inputs: the diabetes patients without sex and s4"
    " (the ratio of two other columns), and even or odd (0 or 1) of the digits by their eight first principal"
    f" components. Adam at rate {_RATE} on the squared error, {' and '.join(map(str, _TABLES.values()))} epochs, another"
    " split for each seed; the weights of the best validation epoch are judged. Linear pieces are counted exactly, by"
    " solving for the places where each unit's sum is 0.",
    measure=measure,
    seconds=15,
)
