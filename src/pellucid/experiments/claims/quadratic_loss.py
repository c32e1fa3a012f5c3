"""Quadratic loss behind a sigmoid: its gradient by z is (a - y) a (1 - a), which vanishes where a is wrong and sure.

Cross-entropy's is a - y. Shape letters: B batch, K classes.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.chart import Axis, Chart, Line
from pellucid.data import Dataset, load
from pellucid.experiments.evidence import exact, greater
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.judging.wording import percent
from pellucid.seed import generator

_HIDDEN, _EPOCHS, _BATCH = 32, 10, 32
_RATES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
_CHOOSING = 2
_NEURON_EPOCHS, _NEURON_RATE = 300, 0.15

Loss = Callable[[Tensor, Tensor], Tensor]


def quadratic(z_BK: Tensor, y_BK: Tensor) -> Tensor:
    """Return ½ Σ_k (σ(z) - y)², the mean over the batch."""
    return (z_BK.sigmoid() - y_BK).square().sum(-1).mean() / 2


def cross_entropy(z_BK: Tensor, y_BK: Tensor) -> Tensor:
    """Return -Σ_k y log σ(z) + (1 - y) log(1 - σ(z)), the mean over the batch."""
    return F.binary_cross_entropy_with_logits(z_BK, y_BK, reduction="none").sum(-1).mean()


LOSSES: Mapping[str, Loss] = {"quadratic": quadratic, "cross-entropy": cross_entropy}


@dataclass(frozen=True, slots=True)
class _Start:
    """The standard deviation of the weights: 1, or 1 / √inputs."""

    label: str
    scaled: bool


_SATURATED, _SMALL = _Start("saturated", scaled=False), _Start("small", scaled=True)


def neuron(loss: Loss, weight: float, bias: float, epochs: int = _NEURON_EPOCHS) -> list[float]:
    """Return the output of one neuron for x = 1, which is to be 0, before and after each epoch at rate 0.15."""
    w, b = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (weight, bias))
    optimizer = torch.optim.SGD([w, b], lr=_NEURON_RATE)
    outputs = []
    for _ in range(epochs + 1):
        z = w + b
        outputs.append(z.sigmoid().item())
        optimizer.zero_grad()
        loss(z.reshape(1, 1), torch.zeros(1, 1, dtype=torch.float64)).backward()
        optimizer.step()
    return outputs


def measure(seeds: Sequence[int]) -> Result:
    """Train one neuron, and a network from a saturated and from a small start, with both losses."""
    neurons = {name: neuron(loss, 2, 2) for name, loss in LOSSES.items()}
    easier = neuron(quadratic, 0.6, 0.9)
    slopes = {name: _slope(loss, 4.0) for name, loss in LOSSES.items()}
    sure = 1 / (1 + math.exp(-4))
    data = load("digits")
    curves = {start: _learned(data, start, seeds) for start in (_SATURATED, _SMALL)}
    first = {start: {name: [run[0] for run in runs] for name, runs in of.items()} for start, of in curves.items()}
    gaps = {start: _differences(of["cross-entropy"], of["quadratic"]) for start, of in first.items()}
    return Result(
        checks=(
            exact("With quadratic loss a neuron whose output begins at 0.82 (w = 0.6, b = 0.9) comes down to 0.09 in"
                  " 300 epochs", easier[-1:], 0.09, tolerance=5e-3),
            exact("One that begins at 0.98 (w = b = 2) comes down to 0.20 only", neurons["quadratic"][-1:], 0.20,
                  tolerance=5e-3),
            exact("At 0.98 the gradient of quadratic loss is a (1 - a) of that of cross-entropy",
                  [slopes["quadratic"] / slopes["cross-entropy"]], sure * (1 - sure), tolerance=1e-12),
            greater("From a saturated start a network is right on more training rows after the first epoch with"
                    " cross-entropy", first[_SATURATED]["cross-entropy"], first[_SATURATED]["quadratic"], share=True),
            greater("What cross-entropy gains in that epoch is more from a saturated than from a small start",
                    gaps[_SATURATED], gaps[_SMALL], share=True),
        ),
        quantities=(
            *(Quantity(name=f"epochs until the neuron that begins at 0.98 is below 0.5, {name}",
                       values=[float(next((at for at, output in enumerate(of) if output < 0.5), math.inf))])
              for name, of in neurons.items()),
            *(Quantity(name=f"training accuracy after the first epoch, {name}, {start.label} start", values=values,
                       share=True) for start, of in first.items() for name, values in of.items()),
            *(Quantity(name=f"training accuracy after the last epoch, {name}, {start.label} start",
                       values=[run[-1] for run in runs], share=True)
              for start, of in curves.items() for name, runs in of.items()),
        ),
        figures=(_network_chart(curves), _neuron_chart(neurons)),
    )  # fmt: skip


def _slope(loss: Loss, z: float) -> float:
    at = torch.full((1, 1), z, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(loss(at, torch.zeros_like(at)), at)
    return float(gradient)


def _learned(data: Dataset, start: _Start, seeds: Sequence[int]) -> dict[str, list[list[float]]]:
    """Return for each loss the training accuracy after every epoch, at the rate that other seeds did best with."""
    others = [max(seeds) + 1 + extra for extra in range(_CHOOSING)]
    learned = {}
    for name, loss in LOSSES.items():
        ends = {rate: fmean(_accuracies(data, loss, start, rate, seed)[-1] for seed in others) for rate in _RATES}
        rate = max(_RATES, key=ends.__getitem__)
        learned[name] = [_accuracies(data, loss, start, rate, seed) for seed in seeds]
    return learned


def _accuracies(data: Dataset, loss: Loss, start: _Start, rate: float, seed: int) -> list[float]:
    """Train a network of sigmoids by SGD, and return its accuracy on the training rows after every epoch."""
    inputs_NI, targets_N = data.split("train")
    inputs_NI, targets_NK = inputs_NI.flatten(1), F.one_hot(targets_N).float()
    layers = nn.Linear(inputs_NI.shape[1], _HIDDEN), nn.Linear(_HIDDEN, targets_NK.shape[1])
    network = nn.Sequential(layers[0], nn.Sigmoid(), layers[1])
    drawn = generator(seed, "weights")
    with torch.no_grad():
        for layer in layers:
            layer.weight.normal_(0, layer.in_features**-0.5 if start.scaled else 1, generator=drawn)
            layer.bias.normal_(0, 1, generator=drawn)
    optimizer = torch.optim.SGD(network.parameters(), lr=rate, fused=True)
    accuracies = []
    for epoch in range(_EPOCHS):
        order_N = torch.randperm(len(targets_N), generator=generator(seed, "order", epoch))
        for rows_B in order_N.split(_BATCH):
            optimizer.zero_grad()
            loss(network(inputs_NI[rows_B]), targets_NK[rows_B]).backward()
            optimizer.step()
        with torch.no_grad():
            accuracies.append(float((network(inputs_NI).argmax(1) == targets_N).double().mean()))
    return accuracies


def _differences(first: Sequence[float], second: Sequence[float]) -> list[float]:
    return [one - other for one, other in zip(first, second, strict=True)]


def _network_chart(curves: Mapping[_Start, Mapping[str, list[list[float]]]]) -> Chart:
    means = {
        f"{name}, {start.label} start": fmean(run[0] for run in runs)
        for start, of in curves.items()
        for name, runs in of.items()
    }
    return Chart(
        title="A saturated start holds quadratic loss up",
        detail="share of the training rows that are right, by epoch; the band goes from the least to the greatest seed",
        says="After one epoch: " + ", ".join(f"{percent(mean)} with {name}" for name, mean in means.items()) + ".",
        x=Axis("epoch"),
        y=Axis("training accuracy", "percent"),
        lines=[
            Line(label=f"{name}, {start.label} start", x=list(range(1, _EPOCHS + 1)), runs=runs)
            for start, of in curves.items()
            for name, runs in of.items()
        ],
    )


def _neuron_chart(neurons: Mapping[str, list[float]]) -> Chart:
    return Chart(
        title="One neuron that begins sure and wrong",
        detail="output for x = 1, which is to be 0, from w = b = 2 at rate 0.15",
        says=f"After {_NEURON_EPOCHS} epochs the output is "
        + ", ".join(f"{outputs[-1]:.2g} with {name}" for name, outputs in neurons.items())
        + ".",
        x=Axis("epoch"),
        y=Axis("output", ends=(0, 1)),
        lines=[
            Line(label=name, x=list(range(len(outputs))), runs=[outputs]) for name, outputs in neurons.items()
        ],
    )  # fmt: skip


EXPERIMENT = Experiment(
    name="quadratic-loss",
    title="Quadratic loss behind a sigmoid learns slowly",
    topic="Descending",
    claim="Behind a sigmoid that is sure and wrong quadratic loss has hardly a gradient, for it holds the factor"
    " a (1 - a); cross-entropy's has not, and learns fastest where it is most wrong.",
    source="Nielsen 2015, Neural Networks and Deep Learning, chapter 3; Bishop 2006, Pattern Recognition and Machine"
    " Learning, section 4.3.2",
    method=f"One neuron at rate {_NEURON_RATE} as in Nielsen. Then 64-{_HIDDEN}-10 sigmoids on the digits by SGD with"
    f" batches of {_BATCH}, from weights of standard deviation 1 (saturated) and 1 / √inputs (small). Each loss takes"
    " whichever rate of "
    + ", ".join(f"{rate:g}" for rate in _RATES)
    + f" is right most often after {_EPOCHS} epochs with {_CHOOSING} other seeds.",
    measure=measure,
    seconds=6,
)
