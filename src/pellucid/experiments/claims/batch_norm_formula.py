"""Batch normalisation as it is, y = γ (x - μ) / √(σ² + ε) + β, and as a slip of the pen has it.

μ and σ² are the mean and the (biased) variance of a unit over the batch, so that y has mean β and deviation γ.

Shape letters: B images, U units.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pellucid.chart import Axis, Bar, Bars, Chart, Line
from pellucid.data import load
from pellucid.experiments.evidence import exact
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.networks import build
from pellucid.seed import generator

_BATCH, _UNITS = 128, 32
_TOLERANCE = 1e-6
_SHOWN = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
_RIGHT = (
    "What torch computes is γ (x - μ) / √(σ² + ε) + β: μ is subtracted, γ is the deviation of what comes out, and its"
    " square the variance, both but for ε = 1e-5 beside σ²."
)


@dataclass(frozen=True, slots=True)
class Measured:
    """A batch norm layer's outputs for one batch, held against formulas.

    Attributes:
        right, wrong: the greatest difference of torch's output from the formula with x - μ, with x + μ.
        shift: the greatest difference between a unit's mean and its β, where μ is added.
        deviation, variance: the greatest distance from 1 of a unit's deviation / |γ|, of its variance / γ.
    """

    right: float
    wrong: float
    shift: float
    deviation: float
    variance: float


def normalised(x_BU: Tensor, layer: nn.BatchNorm1d, *, sign: int = -1) -> Tensor:
    """Return γ (x ∓ μ) / √(σ² + ε) + β with the batch's own mean and biased variance.

    Args:
        x_BU: a batch.
        layer: has γ, β and ε.
        sign: -1 subtracts the mean, 1 adds it.
    """
    centred_BU = x_BU + sign * x_BU.mean(0)
    return layer.weight * centred_BU / (x_BU.var(0, correction=0) + layer.eps).sqrt() + layer.bias


def batch_of(seed: int) -> Tensor:
    """Return what a fully connected layer, as torch begins it, gives for some digits, in double precision."""
    x_NCHW, _ = load("digits").split("train")
    rows = torch.randperm(len(x_NCHW), generator=generator(seed, "rows"))[:_BATCH]
    outputs_BU: Tensor = build(f"8x8x1 -> fc({_UNITS})", seed=seed).double()(x_NCHW[rows].double())
    return outputs_BU.detach()


def layer_of(seed: int) -> nn.BatchNorm1d:
    """Return a layer in training mode whose γ and β are as a training might leave them: γ of 0.5 to 3, β of N(0, 1)."""
    layer = nn.BatchNorm1d(_UNITS, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.uniform_(0.5, 3, generator=generator(seed, "γ"))
        layer.bias.normal_(generator=generator(seed, "β"))
    return layer


@torch.no_grad()
def compared(seed: int) -> Measured:
    """Return how far torch's layer is from each formula on one batch."""
    x_BU, layer = batch_of(seed), layer_of(seed)
    y_BU = layer(x_BU)
    added_BU = normalised(x_BU, layer, sign=1)
    deviation_U = y_BU.std(0, correction=0)
    return Measured(
        right=float((y_BU - normalised(x_BU, layer)).abs().max()),
        wrong=float((y_BU - added_BU).abs().max()),
        shift=float((added_BU.mean(0) - layer.bias).abs().max()),
        deviation=float((deviation_U / layer.weight - 1).abs().max()),
        variance=float((deviation_U**2 / layer.weight - 1).abs().max()),
    )


def measure(seeds: Sequence[int]) -> Result:
    """Compare torch's layer with each formula, with a batch, a γ and a β of each seed."""
    all_seeds = [compared(seed) for seed in seeds]
    right, wrong = [each.right for each in all_seeds], [each.wrong for each in all_seeds]
    shift, variance = [each.shift for each in all_seeds], [each.variance for each in all_seeds]
    deviation = [each.deviation for each in all_seeds]
    return Result(
        checks=(
            exact("What torch's batch norm gives differs from γ (x + μ) / √(σ² + ε) + β by 0", wrong, 0,
                  tolerance=_TOLERANCE),
            exact("Where μ is added, the mean of a unit's outputs differs from β by 0", shift, 0,
                  tolerance=_TOLERANCE),
            exact("The variance of a unit's outputs is γ: variance / γ differs from 1 by 0", variance,
                  0, tolerance=0.01),
        ),
        quantities=(
            Quantity(name="torch's output less γ (x - μ) / √(σ² + ε) + β, greatest", values=right, scale="log"),
            Quantity(name="torch's output less γ (x + μ) / √(σ² + ε) + β, greatest", values=wrong, scale="log"),
            Quantity(name="deviation / γ, greatest distance from 1", values=deviation, scale="log"),
            Quantity(name="variance / γ, greatest distance from 1", values=variance, scale="log"),
        ),
        figures=(_spread(seeds), _apart(right, wrong)),
        notes=(_RIGHT,),
    )  # fmt: skip


@torch.no_grad()
def _deviations(seed: int) -> list[float]:
    """Return the deviation of all units' outputs at each γ of the figure."""
    x_BU, layer = batch_of(seed), layer_of(seed)
    deviations = []
    for scale in _SHOWN:
        layer.weight.fill_(scale)
        deviations.append(float(layer(x_BU).std(0, correction=0).mean()))
    return deviations


def _spread(seeds: Sequence[int]) -> Chart:
    runs = [_deviations(seed) for seed in seeds]
    squares = [[value**2 for value in run] for run in runs]
    return Chart(
        title="γ is the deviation of what comes out",
        detail=f"of the outputs of {_UNITS} units over a batch of {_BATCH} digits, by γ",
        says=f"At γ = {_SHOWN[-1]:g} the deviation is {runs[0][-1]:.4g}, the variance {squares[0][-1]:.4g}.",
        x=Axis("γ"),
        y=Axis("deviation, variance"),
        lines=[
            Line(label="deviation", x=_SHOWN, runs=runs),
            Line(label="variance", x=_SHOWN, runs=squares),
            Line(label="γ", x=_SHOWN, runs=[_SHOWN], style="dashed"),
        ],
    )


def _apart(right: list[float], wrong: list[float]) -> Bars:
    return Bars(
        title="How far each formula is from torch",
        detail="greatest difference of an output, in double precision; a dot is a seed",
        says=f"With x - μ at most {max(right):.1g}, with x + μ at least {min(wrong):.2g}.",
        axis=Axis("greatest difference", "log"),
        bars=[Bar(label="x - μ", runs=right), Bar(label="x + μ", runs=wrong)],
        levels=[("10⁻⁶", _TOLERANCE)],
    )


EXPERIMENT = Experiment(
    name="batch-norm-formula",
    title="Batch norm subtracts the mean, and γ is a deviation",
    topic="Errata",
    claim="Batch normalisation gives γ (x + μ) / √(σ² + ε) + β, and γ is the variance of its outputs.",
    source="Lecture notes; right in Ioffe and Szegedy 2015, Batch normalization, algorithm 1",
    method=f"torch's BatchNorm1d in training mode, in double precision, on what {_UNITS} units of a fully connected"
    f" layer give for {_BATCH} digits, with another batch, γ of 0.5 to 3 and β of N(0, 1) for each seed; compared with"
    " the formula written out, with x + μ as the claim has it and with x - μ.",
    measure=measure,
    seconds=1,
)
