"""Several layers against one: on real tables, and on a function that only depth makes cheap.

The tent m(x) = 2 relu(x) - 4 relu(x - 1/2) on [0, 1], applied k times, rises and falls 2^(k-1) times: 2^k linear pieces
from k layers of two units. One hidden layer of n ReLUs has at most n + 1 pieces, for each unit bends the line once
(Telgarsky 2016). Shape letters: B places where the line may bend, U units.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import partial
from itertools import chain, pairwise
from statistics import fmean

import torch
from torch import nn

from pellucid.chart import Axis, Bar, Bars, Chart, Line
from pellucid.data import Dataset, SplitName, load
from pellucid.experiments.evidence import counted, greater
from pellucid.experiments.experiment import Check, Experiment, Quantity, Result
from pellucid.experiments.trained import Trained, Variant, train
from pellucid.seed import seed_torch
from pellucid.training import evaluate

_NEURON, _DEEP, _SHALLOW, _LARGE = "8 → 1", "8 → 6 → 2 → 1", "8 → 7 → 1", "8 → 64 → 64 → 1"
_NETWORKS = {
    _NEURON: "8 -> fc(1)",
    _DEEP: "8 -> fc(6) -> tanh -> fc(2) -> tanh -> fc(1)",
    _SHALLOW: "8 -> fc(7) -> tanh -> fc(1)",
    _LARGE: "8 -> fc(64) -> tanh -> fc(64) -> tanh -> fc(1)",
}
_COMPARED = {"diabetes": tuple(_NETWORKS), "digits": (_NEURON, _SHALLOW, _DEEP)}
_EPOCHS = {"diabetes": 60, "digits": 25}  # about 540 and 850 steps
_SPLITS: tuple[SplitName, ...] = ("train", "test")
_IGNORED = ("sex", "s4")
_RATE = 0.01
_DRAWS = 3
_NOTICEABLE = 0.02
_DEEPEST, _WIDE = 10, 16


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
    """Train each network on two tables, split otherwise each time, and count pieces."""
    trained = {name: _trained(name, seeds) for name in _COMPARED}
    best = {name: {network: _means(of, _best_r2) for network, of in every.items()} for name, every in trained.items()}
    last = {(network, split): _means(trained["diabetes"][network], partial(_error, split=split))
            for network in (_DEEP, _LARGE) for split in _SPLITS}  # fmt: skip
    depths = range(1, _DEEPEST + 1)
    tents = [pieces(tent(layers)) for layers in depths]
    shallow = [[pieces(_random(1, 2 * layers, seed)) for layers in depths] for seed in seeds]
    random = [[pieces(_random(layers, _WIDE, seed)) for layers in depths] for seed in seeds]
    return Result(
        checks=_checks(best, last, tents, shallow),
        quantities=(
            *(Quantity(name=f"test R², {table}, {network}", values=values)
              for table, of in best.items() for network, values in of.items()),
            *(Quantity(name=f"{split} error (mean square) at the end, diabetes, {network}", values=values)
              for (network, split), values in last.items()),
            Quantity(name=f"pieces of the tent in {_DEEPEST} layers", values=[float(tents[-1])]),
            Quantity(name=f"pieces of a random network of {_DEEPEST} layers of {_WIDE} units",
                     values=[float(row[-1]) for row in random]),
        ),
        figures=(_bars(best), _chart(tents, random)),
        notes=(
            (
                f"That depth can make 2^{_DEEPEST} pieces of {2 * _DEEPEST} units does not say that it does:"
                f" {_DEEPEST} layers of {_WIDE} units with random weights have"
                f" {fmean(row[-1] for row in random):.1f} on average (Hanin and Rolnick 2019, Complexity of linear"
                " regions in deep networks)."
            ),
        ),
    )  # fmt: skip


def _checks(
    best: Mapping[str, Mapping[str, list[float]]],
    last: Mapping[tuple[str, SplitName], list[float]],
    tents: Sequence[int],
    shallow: Sequence[Sequence[int]],
) -> tuple[Check, ...]:
    doubled = sum(count == 2**layers for layers, count in enumerate(tents, start=1))
    few = [count <= 2 * layers + 1 for row in shallow for layers, count in enumerate(row, start=1)]
    diabetes, digits = best["diabetes"], best["digits"]
    return (
        greater(f"Of the digits, which no plane parts into even and odd, {_DEEP} explains noticeably more than"
                f" {_NEURON}", digits[_DEEP], digits[_NEURON], by=_NOTICEABLE),
        greater(f"It explains noticeably more of them than {_SHALLOW}, which has as many parameters (71)",
                digits[_DEEP], digits[_SHALLOW], by=_NOTICEABLE),
        greater(f"Of the course of diabetes, too, {_DEEP} explains noticeably more than {_NEURON}", diabetes[_DEEP],
                diabetes[_NEURON], by=_NOTICEABLE),
        counted("The tent has 2^k linear pieces in k layers of two units, where one layer of as many units has at most"
                f" one piece more than units, k = 1 to {_DEEPEST}", doubled + sum(few), len(tents) + len(few)),
        greater(f"Too many units and layers fit the noise: at the end {_LARGE} has a greater test error on diabetes"
                f" than {_DEEP}", last[_LARGE, "test"], last[_DEEP, "test"]),
    )  # fmt: skip


def _trained(table: str, seeds: Sequence[int]) -> dict[str, list[list[Trained]]]:
    """Return for each network the trainings of each seed, every one with a split and weights of its own."""
    variants = {name: Variant(network=_NETWORKS[name]) for name in _COMPARED[table]}
    options = {"epochs": _EPOCHS[table], "optimizer": "adam", "learning_rate": _RATE}
    draws = [[_DRAWS * seed + draw for draw in range(_DRAWS)] for seed in seeds]
    by_draw = [[train(_table(table, draw), variants, [draw], **options) for draw in of_seed] for of_seed in draws]
    return {name: [[each[name][0] for each in of_seed] for of_seed in by_draw] for name in variants}


def _means(trained: Sequence[Sequence[Trained]], figure: Callable[[Trained], float]) -> list[float]:
    return [fmean(figure(one) for one in of_seed) for of_seed in trained]


def _table(name: str, seed: int) -> Dataset:
    """Return eight inputs and a number to predict, split by the seed."""
    if name == "diabetes":
        return load("diabetes", ignore=_IGNORED, split_seed=seed)
    digits = load("digits")
    pixels = digits.inputs.flatten(1).double()
    centred = pixels - pixels.mean(0)
    _, _, directions = torch.linalg.svd(centred, full_matrices=False)
    inputs, parity = (centred @ directions[:8].T).float(), (digits.targets % 2).float()
    return load((inputs.numpy(), parity.numpy()), task="regression", split_seed=seed)


def _error(one: Trained, split: SplitName) -> float:
    return one.metrics(split)["mse"]


def _best_r2(one: Trained) -> float:
    """Return the share of the test targets' variance that the weights of the best validation epoch explain."""
    session = one.session
    network = deepcopy(session.network)
    network.load_state_dict(session.best_weights)
    return evaluate(network, session.data, session.task, "test", session.device)["r2"]


def _random(layers: int, units: int, seed: int) -> nn.Sequential:
    """Return a network of so many layers of ReLUs with weights as torch draws them."""
    seed_torch(seed, "pieces", layers, units)
    sizes = [1, *[units] * layers]
    hidden = [(nn.Linear(*each, dtype=torch.float64), nn.ReLU()) for each in pairwise(sizes)]
    return nn.Sequential(*chain(*hidden), nn.Linear(units, 1, dtype=torch.float64))


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
        detail="linear pieces on [0, 1]; the band goes from the least to the greatest seed",
        says=f"{_DEEPEST} layers of two units: {tents[-1]:,} pieces; {2 * _DEEPEST} units in one layer: at most"
        f" {2 * _DEEPEST + 1}.",
        x=Axis("layers, or pairs of units in one layer"),
        y=Axis("linear pieces", "log"),
        lines=[
            Line(label="the tent, layers of 2 units", x=layers, runs=[tents]),
            Line(label="one layer, at most", x=layers, runs=[[2 * each + 1 for each in layers]], style="dashed"),
            Line(label=f"random weights, layers of {_WIDE} units", x=layers, runs=random),
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
    " (the ratio of two other columns), and even or odd (0 or 1) of the digits by the eight first principal"
    f" components of all images. Adam at rate {_RATE}, squared error, {' and '.join(map(str, _EPOCHS.values()))}"
    f" epochs; for each seed the mean of {_DRAWS} trainings, each with a split of its own, judged by the weights of its"
    f" best validation epoch; R² of {_NOTICEABLE} more is called noticeable. Linear pieces are counted exactly, by"
    " solving for the places where each unit's sum is 0.",
    measure=measure,
    seconds=21,
)
