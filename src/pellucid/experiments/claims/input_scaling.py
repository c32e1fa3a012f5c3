"""Inputs are divided by their standard deviation σ; the slip is to divide by the variance σ².

Divided by σ² a feature has the variance 1/σ²: the wide ones become as narrow as they were wide.
"""

from collections.abc import Mapping, Sequence
from statistics import geometric_mean

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_wine

from pellucid.chart import Axis, Bar, Bars, Chart, Line
from pellucid.data import load
from pellucid.experiments.evidence import alike, exact, times
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.experiments.linear_descent import LinearDescent, linear_descent, with_bias
from pellucid.judging.wording import percent

_SHARE = 0.01
_SIGMA, _VARIANCE = "divided by σ", "divided by σ²"
_TURNED_OVER = (
    "Division by σ² turns a feature's variance v over into 1 / v: how far the features differ stays as it was."
)

Numbers = NDArray[np.float64]


def scaled(x_NF: Numbers) -> dict[str, Numbers]:
    """Return centred inputs in both forms: (x - μ) / σ and (x - μ) / σ²."""
    centred_NF, deviation_F = x_NF - x_NF.mean(0), x_NF.std(0)
    return {_SIGMA: centred_NF / deviation_F, _VARIANCE: centred_NF / deviation_F**2}


def measure(seeds: Sequence[int]) -> Result:
    """Scale the training rows of another split for each seed in both ways, and descend a squared error."""
    bunch = load_wine()
    target_N = (bunch.target == 0).astype(float)
    rows = [load("wine", split_seed=seed).rows["train"].numpy() for seed in seeds]
    forms = [scaled(bunch.data[of_seed]) for of_seed in rows]
    descents = {name: _descended([form[name] for form in forms], rows, target_N) for name in (_SIGMA, _VARIANCE)}
    # the feature whose variance is farthest from 1, on a scale of ratios
    farthest = {name: [_farthest(form[name].var(0)) for form in forms] for name in descents}
    spans = {name: [_span(form[name].var(0)) for form in forms] for name in descents}
    before = [_span(bunch.data[of_seed].var(0)) for of_seed in rows]
    conditions = {name: [one.condition for one in every] for name, every in descents.items()}
    steps = {name: [float(one.steps_to(_SHARE)) for one in every] for name, every in descents.items()}
    return Result(
        checks=(
            exact("Divided by σ² every feature has variance 1 (the variance farthest from it)", farthest[_VARIANCE], 1,
                  tolerance=1e-9),
            times("The greatest variance of a feature is fewer times the least than it was before the division by σ²",
                  before, spans[_VARIANCE], at_least=1.01),
            alike("Divided by σ² the loss is as well conditioned as divided by σ (powers of ten between greatest and"
                  " least curvature)", np.log10(conditions[_VARIANCE]).tolist(), np.log10(conditions[_SIGMA]).tolist(),
                  within=1),
            alike(f"Divided by σ² descent is about as fast as divided by σ (powers of ten of the steps to"
                  f" {percent(_SHARE)})", np.log10(steps[_VARIANCE]).tolist(), np.log10(steps[_SIGMA]).tolist(),
                  within=1),
        ),
        quantities=(
            *(Quantity(name=f"variance farthest from 1, {name}", values=values, scale="log")
              for name, values in farthest.items()),
            *(Quantity(name=f"greatest variance over least, {name}", values=values, scale="log")
              for name, values in {"as they are": before, **spans}.items()),
            *(Quantity(name=f"greatest curvature over least, {name}", values=values, scale="log")
              for name, values in conditions.items()),
            *(Quantity(name=f"steps, {name}", values=values, scale="log") for name, values in steps.items()),
        ),
        figures=(_descents(descents, steps), _variances(forms, list(bunch.feature_names))),
        notes=(_TURNED_OVER,),
    )  # fmt: skip


def _descended(inputs: Sequence[Numbers], rows: Sequence[NDArray[np.int64]], target_N: Numbers) -> list[LinearDescent]:
    return [linear_descent(with_bias(x_NF), target_N[of_seed]) for x_NF, of_seed in zip(inputs, rows, strict=True)]


def _farthest(variances_F: Numbers) -> float:
    return float(variances_F[np.abs(np.log(variances_F)).argmax()])


def _span(variances_F: Numbers) -> float:
    return float(variances_F.max() / variances_F.min())


def _descents(descents: Mapping[str, Sequence[LinearDescent]], steps: Mapping[str, Sequence[float]]) -> Chart:
    at = [int(step) for step in np.unique(np.geomspace(1, max(map(max, steps.values())), 120).astype(np.int64))]
    means = {name: geometric_mean(values) for name, values in steps.items()}
    return Chart(
        title="What dividing by the variance costs",
        detail="excess of the squared error, as a share of the first, at the best constant rate of each",
        says=f"Down to {percent(_SHARE)} of the first excess it takes "
        + ", ".join(f"{mean:.2g} steps with inputs {name}" for name, mean in means.items())
        + ".",
        x=Axis("step", "log"),
        y=Axis("excess left", "log", ends=(_SHARE / 3, 1.2)),
        lines=[
            Line(label=f"inputs {name}", x=at,
                 runs=[[max(one.excess(step) / one.excess(0), 1e-12) for step in at] for one in every])
            for name, every in descents.items()
        ],
    )  # fmt: skip


def _variances(forms: Sequence[Mapping[str, Numbers]], names: Sequence[str]) -> Bars:
    variances = {name: [float(form[_VARIANCE][:, place].var()) for form in forms] for place, name in enumerate(names)}
    means = {name: geometric_mean(values) for name, values in variances.items()}
    least, most = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    return Bars(
        title="Variance after the division by σ²",
        detail="of each feature on the training rows; a dot a seed",
        says=f"It goes from {means[least]:.2g} ({least}) to {means[most]:.2g} ({most}).",
        axis=Axis("variance", "log"),
        bars=[Bar(label=name, runs=values) for name, values in variances.items()],
        levels=[("1", 1.0)],
    )


EXPERIMENT = Experiment(
    name="input-scaling",
    title="Inputs are divided by σ, not by σ²",
    topic="Errata",
    claim="Inputs are normalised by subtracting the mean and dividing by the variance σ².",
    source="The slip is one of lecture notes; the right form: LeCun, Bottou, Orr and Müller 1998, Efficient BackProp,"
    " section 4.3",
    method="The 13 measurements of the wines, centred and divided by σ and by σ² of the training rows, another split"
    " for each seed. The squared error of telling the first grower from the others, with a bias, is descended from 0 at"
    " the best constant rate, 2 / (greatest + least curvature), in closed form.",
    measure=measure,
    seconds=1,
)
