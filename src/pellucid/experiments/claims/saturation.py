"""Where tanh and the sigmoid saturate: tanh(z) = 2σ(2z) - 1, so tanh'(z) = 4σ'(2z), at half the |z|.

Letters: z is what an activation is given, σ the sigmoid, g' the derivative of an activation.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from scipy.optimize import brentq
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.chart import Axis, Bar, Bars, Chart, Line
from pellucid.data import Dataset, load
from pellucid.experiments.evidence import counted, exact, greater, times
from pellucid.experiments.experiment import Check, Experiment, Quantity, Result
from pellucid.experiments.trained import Variant, train
from pellucid.judging.wording import percent
from pellucid.networks import NONLINEARITIES, build

_GREATEST = {"sigmoid": 0.25, "tanh": 1.0}
_SHARES, _LEAST = (0.01, 0.05, 0.1), 0.01
_SATURATED = 0.05  # of the greatest slope, in the networks
_EPOCHS, _FARTHEST, _PLACES = 20, 6.0, 601
_NETWORK = "8x8x1 -> 2x(fc(32, init=xavier) -> {}) -> fc(10)"
_WHICH_WAY = (
    "The sentence is true of z: tanh goes from end to end within half the |z|. It is not true of the slope: tanh is"
    " four times as steep at 0, and steeper than the sigmoid up to |z| = 2 arcosh((1 + √3) / 2) = 1.66."
)


def slope(name: str, z: float) -> float:
    """Return the derivative of an activation at z."""
    known = NONLINEARITIES[name].slope
    assert known is not None
    return float(known(torch.tensor(z, dtype=torch.float64)))


def saturated_from(name: str, least: float) -> float:
    """Return the |z| beyond which the derivative is less than so much."""
    return float(brentq(lambda z: slope(name, z) - least, 0.0, 40.0, xtol=1e-13))


def share_saturated(network: nn.Module, inputs: Tensor, name: str) -> float:
    """Return the share of hidden units, over all inputs, whose slope is below a twentieth of the greatest."""
    slope_of = NONLINEARITIES[name].slope
    assert slope_of is not None
    given: list[Tensor] = []
    kept = [
        each.register_forward_hook(partial(_keep, given))
        for each in network.modules()
        if isinstance(each, nn.Sigmoid | nn.Tanh)
    ]
    with torch.no_grad():
        network(inputs)
    for each in kept:
        each.remove()
    slopes = slope_of(torch.cat([each.flatten() for each in given]).double())
    return float((slopes < _SATURATED * _GREATEST[name]).double().mean())


def measure(seeds: Sequence[int]) -> Result:
    """Hold the two derivatives beside each other, then the hidden units of trained networks."""
    data = load("digits")
    variants = {name: Variant(network=_NETWORK.format(name)) for name in _GREATEST}
    trained = train(data, variants, seeds, epochs=_EPOCHS, optimizer="adam", learning_rate=3e-3)
    inputs, _ = data.split("test")
    saturated = {
        name: [share_saturated(one.session.network, inputs, name) for one in each] for name, each in trained.items()
    }
    reaching = {name: [_first_gradient(name, seed, data) for seed in seeds] for name in _GREATEST}
    return Result(
        checks=(
            *_by_formula(),
            greater("In trained networks a greater share of tanh units is saturated, below a twentieth of the greatest"
                    " slope", saturated["tanh"], saturated["sigmoid"], share=True),
            times("In a new network less gradient reaches the first layer through tanh than through sigmoids",
                  reaching["sigmoid"], reaching["tanh"]),
        ),
        quantities=(
            *(Quantity(name=f"saturated units after training, {name}", values=values, share=True)
              for name, values in saturated.items()),
            *(Quantity(name=f"gradient of the first layer before training, {name}", values=values, scale="log")
              for name, values in reaching.items()),
            *(Quantity(name=f"|z| where {100 * share:g} % of the greatest slope is left, {name}",
                       values=[saturated_from(name, share * most)])
              for share in _SHARES for name, most in _GREATEST.items()),
        ),
        figures=(_slopes(), _units(saturated)),
        notes=(_WHICH_WAY,),
    )  # fmt: skip


def _keep(given: list[Tensor], module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:  # noqa: ARG001 (as torch calls it)
    given.append(inputs[0])


def _by_formula() -> tuple[Check, ...]:
    halves = [
        saturated_from("tanh", share) / saturated_from("sigmoid", share * _GREATEST["sigmoid"]) for share in _SHARES
    ]
    ends = {name: saturated_from(name, _LEAST) for name in _GREATEST}
    places = np.linspace(0, _FARTHEST, _PLACES)
    flatter = sum(slope("tanh", z) < slope("sigmoid", z) for z in places)
    return (
        exact("Until 10, 5 or 1 % of its greatest slope is left, tanh goes half as far from 0 as the sigmoid", halves,
              0.5, tolerance=1e-9),
        counted(f"A slope of {_LEAST:g} is left nearer to 0 too: tanh has it at |z| = {ends['tanh']:.3g}, the sigmoid"
                f" at {ends['sigmoid']:.3g}", int(ends["tanh"] < ends["sigmoid"]), 1),
        counted(f"Tanh is flatter than the sigmoid at every |z| (0 to {_FARTHEST:g} in steps of"
                f" {_FARTHEST / (_PLACES - 1):g})", flatter, _PLACES),
    )  # fmt: skip


def _first_gradient(name: str, seed: int, data: Dataset) -> float:
    """Return the norm of the loss's gradient by the first layer's weights, before any step."""
    network = build(_NETWORK.format(name), seed)
    first = next(network.parameters())
    inputs, classes = data.split("train")
    (gradient,) = torch.autograd.grad(F.cross_entropy(network(inputs), classes), first)
    return float(gradient.norm())


def _slopes() -> Chart:
    places = np.linspace(-_FARTHEST, _FARTHEST, 121).tolist()
    slopes: dict[str, Callable[[float], float]] = {
        "tanh'": partial(slope, "tanh"),
        "σ'": partial(slope, "sigmoid"),
        "σ' as a share of its greatest": lambda z: slope("sigmoid", z) / _GREATEST["sigmoid"],
    }
    ends = {name: saturated_from(name, _SATURATED * most) for name, most in _GREATEST.items()}
    return Chart(
        title="Half as wide, four times as high",
        detail="the derivatives of tanh and of the sigmoid",
        says=f"A twentieth of its greatest slope is left of tanh at |z| = {ends['tanh']:.3g}, of the sigmoid at"
        f" {ends['sigmoid']:.3g}; the greatest slopes are 1 and 1/4.",
        x=Axis("z"),
        y=Axis("derivative"),
        lines=[Line(label=name, x=places, runs=[[each(z) for z in places]]) for name, each in slopes.items()],
    )


def _units(saturated: dict[str, list[float]]) -> Bars:
    means = {name: percent(float(np.mean(values))) for name, values in saturated.items()}
    return Bars(
        title="Saturated units of trained networks",
        detail="the share of hidden units, over all test digits, with less than a twentieth of the greatest slope",
        says="Saturated: " + ", ".join(f"{name} {mean}" for name, mean in means.items()) + ".",
        axis=Axis("share of hidden units", "percent"),
        bars=[Bar(label=name, runs=values) for name, values in saturated.items()],
    )


EXPERIMENT = Experiment(
    name="saturation",
    title="Where tanh and the sigmoid saturate",
    topic="Errata",
    claim="Tanh saturates more widely than the sigmoid.",
    source="Lecture notes; Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward neural"
    " networks, section 3",
    method="Where the derivative of each falls below a share of its greatest value, and below a fixed value, found"
    " numerically. Then two hidden layers of 32 units on the digits, from Xavier's weights: the gradient of the first"
    f" layer before the first step, and the share of saturated units after {_EPOCHS} epochs of Adam at rate 0.003.",
    measure=measure,
    seconds=3,
)
