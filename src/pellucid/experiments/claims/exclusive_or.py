"""Exclusive or: one threshold neuron cannot compute it, three can.

A neuron of McCulloch and Pitts fires where w · x >= θ. It computes a Boolean function if w · x - θ >= 1 on all inputs
where the function is 1 and w · x - θ <= -1 on all others (any other gap would be a scale of w and θ): linear
inequalities in w and θ, which a linear program either solves or proves to have no solution.

Shape letters: C corners of the cube, I inputs, K networks side by side, H hidden units.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import fmean

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linprog
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.blocks import Step
from pellucid.chart import Axis, Chart, Line, Tile, Tiles
from pellucid.experiments.evidence import above, counted
from pellucid.experiments.experiment import Check, Experiment, Quantity, Result
from pellucid.judging.wording import percent
from pellucid.seed import generator

Table = tuple[int, ...]
"""A Boolean function: its value on each corner, in the order of `corners`."""

XOR: Table = (0, 1, 1, 0)
_XNOR: Table = (1, 0, 0, 1)
_GRID = tuple(range(-8, 9)), 0.25
_WIDTHS = (2, 3, 4, 8)
_STARTS = 100
_STEPS, _EVERY, _RATE = 3000, 25, 0.5
_INFEASIBLE = 2  # linprog's status
_PICTURE = 31


def corners(inputs: int) -> NDArray[np.float64]:
    """Return all inputs of 0 and 1, (2^I, I), in counting order."""
    return np.array(list(product((0.0, 1.0), repeat=inputs)))


def computable(table: Table) -> bool:
    """Return whether some neuron computes the function, whatever its weights: by linear programming."""
    inputs = len(table).bit_length() - 1
    sides_C1 = np.where(np.array(table)[:, None] == 1, 1.0, -1.0)
    # side * (w x - θ) >= 1, which linprog wants as A [w, θ] <= b
    rows = -sides_C1 * np.hstack([corners(inputs), -np.ones((len(table), 1))])
    solved = linprog(np.zeros(inputs + 1), rows, -np.ones(len(table)), bounds=(None, None))
    assert solved.status in {0, _INFEASIBLE}, solved.message
    return bool(solved.status != _INFEASIBLE)


def computed_on_the_grid() -> tuple[set[Table], int]:
    """Return the functions of two inputs that neurons with weights from -2 to 2, thresholds from -4 to 4 compute."""
    numbers, step = _GRID
    weights = np.array(numbers) * step
    w1, w2, threshold = np.meshgrid(weights, weights, 2 * weights, indexing="ij")
    fires = np.stack([w1 * x1 + w2 * x2 >= threshold for x1, x2 in corners(2)], -1).reshape(-1, 4)
    found = {tuple(int(bit) for bit in row) for row in np.unique(fires, axis=0)}
    return found, len(fires)


def three_neurons() -> nn.Sequential:
    """Return exclusive or by hand: OR and not AND, x1 + x2 >= 0.5 and x1 + x2 >= 1.5, of which the first alone."""
    hidden, output = nn.Linear(2, 2, bias=False), nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        hidden.weight.copy_(torch.tensor([[1.0, 1.0], [1 / 3, 1 / 3]]))
        output.weight.copy_(torch.tensor([[1.0, -1.0]]))
    return nn.Sequential(hidden, Step(0.5), output, Step(0.5))


@dataclass(frozen=True, slots=True)
class Learned:
    """How far K networks came: corners right at every 25th step, (steps, K), and the most at any step, (K)."""

    right: Tensor
    most: Tensor


def learn(hidden: int, seeds: Sequence[int]) -> Learned:
    """Train networks of so many tanh units and an output on the four corners; with none, a single neuron."""
    layers = [_drawn(2, hidden or 1, seeds, "first")]
    if hidden:
        layers.append(_drawn(hidden, 1, seeds, "second"))
    x_KCI = torch.tensor(corners(2), dtype=torch.float32).expand(len(seeds) * _STARTS, -1, -1)
    y_KC = torch.tensor(XOR, dtype=torch.float32).expand(len(x_KCI), -1)
    optimizer = torch.optim.SGD([weight for layer in layers for weight in layer], lr=_RATE)
    kept, most_K = [], torch.zeros(len(x_KCI))
    for step in range(_STEPS + 1):
        z_KCH = torch.baddbmm(layers[0][1], x_KCI, layers[0][0])
        logits_KC = (torch.baddbmm(layers[1][1], z_KCH.tanh(), layers[1][0]) if hidden else z_KCH)[..., 0]
        right_K = ((logits_KC > 0) == (y_KC > 0)).sum(1)
        most_K = torch.maximum(most_K, right_K)
        if step % _EVERY == 0:
            kept.append(right_K)
        optimizer.zero_grad()
        # the mean over the corners, the sum over the networks: none feels another
        F.binary_cross_entropy_with_logits(logits_KC, y_KC, reduction="none").mean(1).sum().backward()
        optimizer.step()
    return Learned(torch.stack(kept), most_K)


def _drawn(inputs: int, outputs: int, seeds: Sequence[int], which: str) -> tuple[Tensor, Tensor]:
    """Return weights (K, inputs, outputs) and biases (K, 1, outputs), uniform in ±1/√inputs as torch draws them."""
    values = torch.cat([
        torch.rand(_STARTS, inputs + 1, outputs, generator=generator(seed, which, outputs, inputs)) for seed in seeds
    ])  # fmt: skip
    values = (2 * values - 1) / inputs**0.5
    return values[:, :-1].contiguous().requires_grad_(), values[:, -1:].contiguous().requires_grad_()


def measure(seeds: Sequence[int]) -> Result:
    """Try the grid, solve the linear programs, set three neurons by hand, and train one and several."""
    found, neurons = computed_on_the_grid()
    tables = list(product((0, 1), repeat=4))
    possible = {table for table in tables if computable(table)}
    single = learn(0, seeds)
    wider = {width: learn(width, seeds) for width in _WIDTHS}
    shares = {width: _solved(learned.right, seeds) for width, learned in wider.items()}
    return Result(
        checks=_checks(found, neurons, possible, single, [rows[-1] for rows in shares[2]]),
        quantities=(
            Quantity(name="starts from which one neuron is right on 3 corners at some step",
                     values=_per_seed(single.most == 3, seeds), share=True),
            *(Quantity(name=f"starts from which a 2-{width}-1 network learns it", values=[row[-1] for row in rows],
                       share=True) for width, rows in shares.items()),
        ),
        figures=(_by_step(shares), _pictures()),
        notes=(
            (
                "The certificate by hand: of exclusive or the inequalities ask w1 >= θ + 1, w2 >= θ + 1,"
                " w1 + w2 <= θ - 1 and 0 <= θ - 1. The first two add up to w1 + w2 >= 2θ + 2, the last two to"
                " w1 + w2 <= 2θ - 2, which cannot both be."
            ),
        ),
    )  # fmt: skip


def _checks(
    found: set[Table], neurons: int, possible: set[Table], single: Learned, learned: Sequence[float]
) -> tuple[Check, ...]:
    wanted = {table: table not in {XOR, _XNOR} for table in product((0, 1), repeat=4)}
    with torch.no_grad():
        outputs = three_neurons()(torch.tensor(corners(2), dtype=torch.float32))[:, 0].int().tolist()
    return (
        counted(f"Among {neurons:,} neurons on a grid there is one for each of the 16 functions of two inputs, AND, OR"
                " and NOT among them, but none for exclusive or and its negation",
                sum((table in found) == can for table, can in wanted.items()), len(wanted)),
        counted("Linear programming says the same of all real weights: it finds some for each of these functions, and"
                " proves that the two have none", sum((table in possible) == can for table, can in wanted.items()),
                len(wanted)),
        counted("Three neurons with weights set by hand compute exclusive or",
                sum(output == value for output, value in zip(outputs, XOR, strict=True)), len(XOR)),
        counted("A single neuron that learns by gradient descent is never, at any step, right on all four corners",
                int((single.most <= 3).sum()), len(single.most)),
        above("Two hidden units and an output learn it from most starts", learned, 0.5, share=True),
    )  # fmt: skip


def _solved(right: Tensor, seeds: Sequence[int]) -> list[list[float]]:
    """Return the share of each seed's networks that have all corners right, a row a seed, by step."""
    by_seed = (right == len(XOR)).double().unflatten(1, (len(seeds), _STARTS)).mean(2)
    rows: list[list[float]] = by_seed.T.tolist()
    return rows


def _per_seed(hits_K: Tensor, seeds: Sequence[int]) -> list[float]:
    shares: list[float] = hits_K.double().unflatten(0, (len(seeds), _STARTS)).mean(1).tolist()
    return shares


def _by_step(shares: Mapping[int, list[list[float]]]) -> Chart:
    means = {width: fmean(row[-1] for row in rows) for width, rows in shares.items()}
    return Chart(
        title="Two hidden units are enough, and may get stuck",
        detail=f"share of {_STARTS} starts that have all four corners right; the band goes from the least to the"
        " greatest seed",
        says=f"After {_STEPS:,} steps exclusive or is learned from "
        + ", ".join(f"{percent(mean)} of starts with {width} hidden units" for width, mean in means.items())
        + ".",
        x=Axis("step"),
        y=Axis("starts that have learned it", "percent", ends=(0, 1)),
        lines=[
            Line(label=f"{width} hidden units", x=range(0, _STEPS + 1, _EVERY), runs=rows)
            for width, rows in shares.items()
        ],
    )


def _pictures() -> Tiles:
    places = torch.linspace(1.25, -0.25, _PICTURE), torch.linspace(-0.25, 1.25, _PICTURE)
    x2, x1 = torch.meshgrid(*places, indexing="ij")
    with torch.no_grad():
        both = three_neurons()(torch.stack([x1, x2], -1))[..., 0]
    fires: Mapping[str, Tensor] = {
        "OR: x1 + x2 >= 0.5": (x1 + x2 >= 0.5).float(),
        "AND: x1 + x2 >= 1.5": (x1 + x2 >= 1.5).float(),
        "exclusive or: OR - AND >= 0.5": both,
    }
    return Tiles(
        title="What one line cannot part, two can",
        detail="where each neuron fires (light); x1 to the right and x2 upwards, from -0.25 to 1.25",
        says="OR and AND are each one line; exclusive or is the strip between the two.",
        tiles=[Tile(caption=caption, values=values.tolist()) for caption, values in fires.items()],
        columns=3,
    )


EXPERIMENT = Experiment(
    name="exclusive-or",
    title="One neuron cannot compute exclusive or",
    topic="Neurons",
    claim="A threshold neuron computes AND, OR and NOT, but not exclusive or, whose corners no line parts. Three"
    " neurons in two layers compute it, and can learn it.",
    source="McCulloch and Pitts 1943, A logical calculus of the ideas immanent in nervous activity; Minsky and Papert"
    " 1969, Perceptrons; Rumelhart, Hinton and Williams 1986, Learning internal representations by error propagation",
    method="All 16 functions of two inputs are held against every neuron with weights from -2 to 2 and thresholds from"
    " -4 to 4 (17 values of each), and against a linear program in the weights and the threshold. Then one"
    " neuron, and networks of tanh units, learn the four corners by gradient descent on the cross-entropy of all"
    f" four, {_STEPS:,} steps at rate {_RATE}, from {_STARTS} starts for each seed, drawn as torch draws a layer.",
    measure=measure,
    seconds=6,
)
