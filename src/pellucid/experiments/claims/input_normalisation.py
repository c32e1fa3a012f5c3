"""Inputs of different scale make long ellipses of the contours of a linear model's squared error."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from statistics import geometric_mean

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

from pellucid.chart import Axis, Path, Surface
from pellucid.data import Dataset, load
from pellucid.experiments.evidence import exact, greater, times
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.experiments.linear_descent import linear_descent, with_bias
from pellucid.experiments.trained import Variant, train
from pellucid.judging.wording import percent

_NETWORK, _EPOCHS = "13 -> fc(3)", 30
_RATES = tuple(10.0**power for power in range(-8, 2))
_SHARE = 0.01
_SHOWN = ("alcohol", "flavanoids")
_SHOWN_STEPS = 30

Numbers = NDArray[np.float64]


def measure(seeds: Sequence[int]) -> Result:
    """Standardise on the training rows of another split for each seed, and descend with and without."""
    bunch = load_wine()
    splits = [load("wine", split_seed=seed) for seed in seeds]
    target_N = (bunch.target == 0).astype(float)
    rows = [data.rows["train"].numpy() for data in splits]
    inputs = {
        "as they are": [bunch.data[of_seed] for of_seed in rows],
        "standardised": [StandardScaler().fit_transform(bunch.data[of_seed]) for of_seed in rows],
    }
    descents = {
        name: [linear_descent(with_bias(x), target_N[of_seed]) for x, of_seed in zip(every, rows, strict=True)]
        for name, every in inputs.items()
    }
    conditions = {name: [one.condition for one in every] for name, every in descents.items()}
    steps = {name: [float(one.steps_to(_SHARE)) for one in every] for name, every in descents.items()}
    losses = _losses(bunch.data, seeds)
    return Result(
        checks=(
            exact("Test rows are standardised by the mean and deviation of the training rows",
                  [_difference(data, bunch.data) for data in splits], 0, tolerance=1e-5),
            times("The error's greatest curvature is more times its least with inputs as they are",
                  conditions["as they are"], conditions["standardised"], at_least=10),
            times(f"Inputs as they are take more steps until {percent(_SHARE)} of the first excess of the loss is left",
                  steps["as they are"], steps["standardised"], at_least=10),
            greater("A softmax regression of them ends at a higher training loss, at the best rate of each",
                    losses["as they are"], losses["standardised"]),
        ),
        quantities=(
            *(Quantity(name=f"greatest curvature over least, {name}", values=values, scale="log")
              for name, values in conditions.items()),
            *(Quantity(name=f"steps, {name}", values=values, scale="log") for name, values in steps.items()),
            *(Quantity(name=f"training loss of a softmax regression, {name}", values=values)
              for name, values in losses.items()),
        ),
        figures=_surfaces({name: every[0] for name, every in inputs.items()}, target_N[rows[0]],
                          list(bunch.feature_names), conditions),
    )  # fmt: skip


def _difference(data: Dataset, raw_NF: Numbers) -> float:
    """Return how far the data's test rows are from what scikit-learn makes of them with the training rows' figures."""
    scaler = StandardScaler().fit(raw_NF[data.rows["train"].numpy()])
    prepared_NF = data.split("test")[0].double().numpy()
    return float(np.abs(prepared_NF - scaler.transform(raw_NF[data.rows["test"].numpy()])).max())


def _losses(raw_NF: Numbers, seeds: Sequence[int]) -> dict[str, list[float]]:
    """Return the training loss of a softmax regression after its last epoch, for each seed that of the best rate."""
    standardised = load("wine")
    as_they_are = dataclasses.replace(standardised, inputs=torch.from_numpy(raw_NF).float())
    losses = {}
    for name, data in {"as they are": as_they_are, "standardised": standardised}.items():
        variants = {f"{rate:g}": Variant(network=_NETWORK, options={"learning_rate": rate}) for rate in _RATES}
        trained = train(data, variants, seeds, epochs=_EPOCHS, batch_size=32, optimizer="sgd")
        ends = [
            [math.inf if one.diverged else one.metrics("train")["loss"] for one in every] for every in trained.values()
        ]
        losses[name] = [min(of_seed) for of_seed in zip(*ends, strict=True)]
    return losses


def _surfaces(
    inputs: Mapping[str, Numbers], target_N: Numbers, names: Sequence[str], conditions: Mapping[str, Sequence[float]]
) -> tuple[Surface, ...]:
    columns = [names.index(name) for name in _SHOWN]
    centred_N = target_N - target_N.mean()
    return tuple(_surface(name, x_NF[:, columns], centred_N, conditions[name]) for name, x_NF in inputs.items())


def _surface(name: str, x_N2: Numbers, y_N: Numbers, conditions: Sequence[float]) -> Surface:
    descent = linear_descent(x_N2, y_N)
    minimum_2 = np.linalg.lstsq(x_N2, y_N, rcond=None)[0]
    reach = 1.5 * float(np.abs(minimum_2).max())
    at = np.linspace(-reach, reach, 61)
    weights = np.stack(np.meshgrid(at, at), -1)
    z = ((weights @ x_N2.T - y_N) ** 2).mean(-1) / 2
    path = [np.zeros(2)]
    for _ in range(_SHOWN_STEPS):
        path.append(path[-1] - descent.best_rate * x_N2.T @ (x_N2 @ path[-1] - y_N) / len(y_N))
    return Surface(
        title=f"Inputs {name}",
        detail=f"squared error by the weights of {_SHOWN[0]} and {_SHOWN[1]}; {_SHOWN_STEPS} steps at the best rate",
        says=f"Of these two the greatest curvature is {descent.condition:.3g} times the least; of all inputs"
        f" {geometric_mean(conditions):.3g} times.",
        x=Axis(f"weight of {_SHOWN[0]}"),
        y=Axis(f"weight of {_SHOWN[1]}"),
        at_x=at.tolist(),
        at_y=at.tolist(),
        z=z.tolist(),
        paths=[Path(label="descent", x=[float(w[0]) for w in path], y=[float(w[1]) for w in path])],
        scale="log",
    )


EXPERIMENT = Experiment(
    name="input-normalisation",
    title="Inputs are standardised",
    topic="Descending",
    claim="Inputs of different scale and mean make long ellipses of the loss's contours, along which gradient descent"
    " is slow. Standardised by the mean and deviation of the training rows, they are rounder and descent is faster.",
    source="LeCun, Bottou, Orr and Müller 1998, Efficient BackProp, section 4.3",
    method="The 13 measurements of the wines and a bias. The squared error of telling the first grower from the others"
    " is descended from 0 at the best constant rate, 2 / (greatest + least curvature), in closed form; the curvatures"
    " are the eigenvalues of XᵀX / N. Each seed draws another split. Then"
    f" {_NETWORK} of the three growers, {_EPOCHS} epochs of SGD, for each seed at the best rate of the powers of ten"
    f" from {_RATES[0]:g} to {_RATES[-1]:g}.",
    measure=measure,
    seconds=2,
)
