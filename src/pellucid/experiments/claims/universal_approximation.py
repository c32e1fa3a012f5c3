"""One hidden layer, wide enough, comes as near to a continuous function as one likes: set by hand, and trained.

By hand, on n stairs of width h between nodes x_0 ... x_n. Sigmoids of steepness c / h make a staircase,

    F(x) = f(x_0) + Σ_i (f(x_i) - f(x_(i-1))) σ(c (x - (x_i + x_(i-1)) / 2) / h),
    |F(x) - f(x)| <= L h (1/2 + 2 exp(-c/2) / (1 - exp(-c)))    where |f'| <= L,

for the two stairs beside x are mixed in shares that bring F within L h / 2, and every other step, at distances of at
least h/2, 3h/2, ... to each side, is off by at most exp(-c distance / h) of its height, which is at most L h.
ReLUs make the line through the nodes, off by at most M h² / 8 where |f''| <= M (de Boor 2001, chapter III).
"""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from pellucid.chart import Axis, Chart, Line
from pellucid.experiments.evidence import alike, counted, times
from pellucid.experiments.experiment import Check, Experiment, Quantity, Result, mean_of
from pellucid.judging.wording import percent
from pellucid.seed import derive

_WIDTHS = (1, 2, 4, 8, 16, 32, 64)
_BUILT = (*_WIDTHS, 128, 256, 512)
_WAVES = 4
_POINTS = 129
_BETWEEN = np.linspace(-1, 1, 20 * _BUILT[-1] + 1)
_STARTS, _ITERATIONS = 3, 1000
_SHARPNESS = 10.0
_ACTIVATIONS = {"tanh": "tanh", "ReLU": "relu"}

_LIMITS = (
    "The theorem says that the weights exist, not that training finds them: where trained units are further from the"
    " function than as many set by hand, training has not found the best there are. It holds on a bounded interval, and"
    " says nothing of inputs outside."
)

Array: TypeAlias = NDArray[np.float64]
Function: TypeAlias = Callable[[Array], Array]
Errors: TypeAlias = Mapping[int, list[float]]
"""Largest error by width, a share of the function's range; one a seed."""


@dataclass(frozen=True, slots=True)
class Waves:
    """f(x) = Σ_k a_k / k sin(π k x + φ_k) on [-1, 1]."""

    heights: Array
    phases: Array

    @classmethod
    def draw(cls, seed: int) -> "Waves":
        """Return one of four waves, with normal heights and uniform phases."""
        random = np.random.default_rng(seed)
        return cls(random.normal(size=_WAVES), random.uniform(0, 2 * np.pi, _WAVES))

    def __call__(self, x: Array) -> Array:
        """Return f(x)."""
        k = np.arange(1, _WAVES + 1)
        values: Array = (self.heights / k * np.sin(np.pi * k * x[:, None] + self.phases)).sum(1)
        return values

    def slope(self) -> float:
        """Return a bound of |f'|."""
        return float(np.pi * np.abs(self.heights).sum())

    def bend(self) -> float:
        """Return a bound of |f''|."""
        return float(np.pi**2 * (np.arange(1, _WAVES + 1) * np.abs(self.heights)).sum())

    def span(self) -> float:
        """Return how far the largest value is from the least."""
        return float(np.ptp(self(_BETWEEN)))


def staircase(f: Function, units: int, x: Array) -> Array:
    """Return the sum of so many sigmoids on [-1, 1] at some places."""
    nodes = np.linspace(-1, 1, units + 1)
    rises, middles = np.diff(f(nodes)), (nodes[1:] + nodes[:-1]) / 2
    values: Array = f(nodes[:1]) + expit(_SHARPNESS * units / 2 * (x[:, None] - middles)) @ rises
    return values


def polygon(f: Function, units: int, x: Array) -> Array:
    """Return the sum of so many ReLUs on [-1, 1] at some places: each adds a change of slope at a node."""
    nodes = np.linspace(-1, 1, units + 1)
    slopes = np.diff(f(nodes)) * units / 2
    values: Array = f(nodes[:1]) + np.maximum(x[:, None] - nodes[:-1], 0) @ np.diff(slopes, prepend=0)
    return values


def staircase_bound(slope: float, units: int) -> float:
    """Return L h (1/2 + 2 exp(-c/2) / (1 - exp(-c))) on [-1, 1]."""
    return slope * 2 / units * (0.5 + 2 * math.exp(-_SHARPNESS / 2) / (1 - math.exp(-_SHARPNESS)))


def polygon_bound(bend: float, units: int) -> float:
    """Return M h² / 8 on [-1, 1]."""
    return bend * (2 / units) ** 2 / 8


def measure(seeds: Sequence[int]) -> Result:
    """Set units by hand for a function of each seed, and train as many."""
    functions = [Waves.draw(seed) for seed in seeds]
    stairs, polygons = (_built(make, functions) for make in (staircase, polygon))
    bounds = (
        {units: [staircase_bound(f.slope(), units) / f.span() for f in functions] for units in _BUILT},
        {units: [polygon_bound(f.bend(), units) / f.span() for f in functions] for units in _BUILT},
    )
    trained = {name: _trained(activation, functions, seeds) for name, activation in _ACTIVATIONS.items()}
    drawn = {
        **{f"{name}, trained": errors for name, errors in trained.items()},
        "sigmoids, by hand": stairs,
        "ReLU, by hand": polygons,
    }
    return Result(
        checks=_checks(trained, (stairs, polygons), bounds),
        quantities=[
            Quantity(name=f"largest error, {units} units: {name}", values=errors[units], share=True, scale="log")
            for name, errors in drawn.items()
            for units in (1, 8, 64)
        ],
        figures=(_chart(drawn, bounds),),
        notes=(_LIMITS,),
    )


def _checks(
    trained: Mapping[str, Errors], built: tuple[Errors, Errors], bounds: tuple[Errors, Errors]
) -> tuple[Check, ...]:
    slopes = [_slopes(errors) for errors in built]
    kept = [_kept(errors, most) for errors, most in zip(built, bounds, strict=True)]
    few, many = _WIDTHS[0], _WIDTHS[-1]
    least_of_few = [min(each) for each in zip(*(errors[few] for errors in trained.values()), strict=True)]
    most_of_many = [max(each) for each in zip(*(errors[many] for errors in trained.values()), strict=True)]
    return (
        counted("Sigmoids set by hand make a staircase, ReLUs a polygon, nowhere off by more than their bounds",
                sum(hits for hits, _ in kept), sum(out_of for _, out_of in kept)),
        alike("The staircase's largest error falls as 1 / units: on logarithmic axes its slope is -1, to a tenth",
              slopes[0], [-1.0] * len(slopes[0]), within=0.1),
        alike("The polygon's falls as 1 / units²: its slope is -2, to a tenth", slopes[1], [-2.0] * len(slopes[1]),
              within=0.1),
        times(f"Trained, {many} units come nearer to a function than {few} does: the worse of tanh and ReLU with"
              f" {many} nearer than the better with {few}", least_of_few, most_of_many),
        times(f"What there is need not be found: {many} trained ReLUs stay further away than as many set by hand",
              trained["ReLU"][many], built[1][many]),
    )  # fmt: skip


def _built(make: Callable[[Function, int, Array], Array], functions: Sequence[Waves]) -> Errors:
    return {
        units: [float(np.abs(make(f, units, _BETWEEN) - f(_BETWEEN)).max()) / f.span() for f in functions]
        for units in _BUILT
    }


def _slopes(errors: Errors) -> list[float]:
    """Return each function's slope over the four widest, where the units are closer than the waves."""
    widest = _BUILT[-4:]
    rows = np.log([errors[units] for units in widest])
    return [float(slope) for slope in np.polyfit(np.log(widest), rows, 1)[0]]


def _kept(errors: Errors, bounds: Errors) -> tuple[int, int]:
    pairs = [pair for units in _BUILT for pair in zip(errors[units], bounds[units], strict=True)]
    return sum(error <= most for error, most in pairs), len(pairs)


def _trained(activation: str, functions: Sequence[Waves], seeds: Sequence[int]) -> Errors:
    return {
        units: [_fitted(f, units, activation, seed) / f.span() for f, seed in zip(functions, seeds, strict=True)]
        for units in _WIDTHS
    }


def _fitted(f: Waves, units: int, activation: str, seed: int) -> float:
    """Return the largest error of the best of several starts, by their squared error on the points."""
    x_N = np.linspace(-1, 1, _POINTS)
    starts = [
        MLPRegressor(hidden_layer_sizes=(units,), activation=activation, solver="lbfgs", alpha=0, tol=0,
                     max_iter=_ITERATIONS, max_fun=10 * _ITERATIONS,
                     random_state=derive(seed, activation, units, start) % 2**32)
        for start in range(_STARTS)
    ]  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # so many iterations are all that are wanted
        for start in starts:
            start.fit(x_N[:, None], f(x_N))
    best = min(starts, key=lambda start: start.loss_)
    return float(np.abs(best.predict(_BETWEEN[:, None]) - f(_BETWEEN)).max())


def _chart(drawn: Mapping[str, Errors], bounds: tuple[Errors, Errors]) -> Chart:
    last = {name: mean_of(Quantity(name="", values=errors[64], scale="log")) for name, errors in drawn.items()}
    return Chart(
        title="The wider, the nearer",
        detail="largest error over [-1, 1] by the number of hidden units; the band goes from the least to the greatest"
        " of the functions",
        says="With 64 units the largest error, as a share of the function's range, is "
        + ", ".join(f"{percent(mean)} ({name})" for name, mean in last.items())
        + ".",
        x=Axis("hidden units", "log"),
        y=Axis("largest error / range of the function", "log"),
        lines=[
            *(
                Line(label=name, x=list(errors), runs=np.transpose(list(errors.values())).tolist())
                for name, errors in drawn.items()
            ),
            *(
                Line(label=name, x=_BUILT, runs=[[fmean(most[units]) for units in _BUILT]], style="dashed")
                for name, most in zip(("bound, sigmoids", "bound, ReLU"), bounds, strict=True)
            ),
        ],
    )


EXPERIMENT = Experiment(
    name="universal-approximation",
    title="One hidden layer approximates any continuous function",
    topic="Neurons",
    claim="A network with one hidden layer of enough units comes as near as one likes to any continuous function on a"
    " bounded interval.",
    source="Cybenko 1989, Approximation by superpositions of a sigmoidal function; Hornik 1991, Approximation"
    " capabilities of multilayer feedforward networks; Leshno, Lin, Pinkus and Schocken 1993, Multilayer feedforward"
    " networks with a nonpolynomial activation function can approximate any function (for ReLU)",
    method=f"For each seed another sum of {_WAVES} sine waves with random heights and phases on [-1, 1]. Of 1 to"
    f" {_BUILT[-1]} sigmoids a staircase is made by hand, of as many ReLUs a polygon. Networks of 1 to {_WIDTHS[-1]}"
    f" tanh or ReLU units are trained on {_POINTS} points by {_ITERATIONS:,} iterations of L-BFGS, the best of"
    f" {_STARTS} starts counts, since what is asked is what such networks can do. All are judged by their largest"
    " error between the points, as a share of the function's range.",
    measure=measure,
    seconds=10,
)
