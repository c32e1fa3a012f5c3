"""Early stopping: the validation loss has its minimum before the end of a long training.

On a squared error gradient descent from 0 at rate ε has, after t steps, the share 1 - (1 - ελ)^t of the least-squares
solution along the eigenvector of XᵀX / N with eigenvalue λ; ridge regression has λ / (λ + α). With α = 1 / (εt) the two
are 1 - e^-x and x / (1 + x) for x = ελt, where (1 - x/t)^t is near e^-x.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from pellucid.chart import Axis, Chart, Line
from pellucid.data import Dataset, load
from pellucid.experiments.evidence import below, exact, greater
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.experiments.trained import Variant, train, with_rows
from pellucid.seed import generator

Array = NDArray[np.float64]

_NETWORK = "8x8x1 -> fc(64) -> relu -> fc(10)"
_SAMPLES, _EPOCHS, _BATCH, _RATE = 200, 300, 20, 3e-3
_STEPS = 100
_APART = 0.21  # the maximum of 1 - (1 - x/t)^t - x / (1 + x) over x is 0.206 for t = 100 steps, then 0.204
_RIDGE = (
    "Early stopping and ridge regression are alike, not the same: where ελt is about 2.5, descent has kept a fifth more"
    " of the solution."
)


def measure(seeds: Sequence[int]) -> Result:
    """Follow the loss of long trainings, and descend a squared error beside its closed forms."""
    losses = {split: _losses(split, seeds) for split in ("validation", "test")}
    best = [int(np.argmin(each)) for each in losses["validation"]]
    at_best = [each[epoch] for each, epoch in zip(losses["test"], best, strict=True)]
    at_end = [each[-1] for each in losses["test"]]
    apart, from_ridge = zip(*(quadratic_apart(seed) for seed in seeds), strict=True)
    return Result(
        checks=(
            below("The validation loss is least before the last tenth of the epochs",
                  [epoch + 1 for epoch in best], 0.9 * _EPOCHS),
            greater("The test loss is higher at the end than where the validation loss was least", at_end, at_best),
            exact("On a squared error each direction has the share 1 - (1 - ελ)^t of the solution", apart, 0,
                  tolerance=1e-9),
            below(f"That is within {_APART:g} of the share λ / (λ + α) that ridge regression with α = 1 / (εt) keeps",
                  from_ridge, _APART),
        ),
        quantities=(
            Quantity(name="epoch of the least validation loss", values=[epoch + 1 for epoch in best]),
            Quantity(name="test loss at that epoch", values=at_best),
            Quantity(name="test loss at the end", values=at_end),
            Quantity(name="greatest distance from ridge regression's share", values=from_ridge),
        ),
        figures=(_course(losses, at_best, at_end), _shares()),
        notes=(_RIDGE,),
    )  # fmt: skip


def quadratic_apart(seed: int) -> tuple[float, float]:
    """Return how far descent on half of the diabetes data is from its closed form, and from ridge regression.

    Both are the greatest difference over the directions of the share of the least-squares solution.
    """
    inputs, targets = load("diabetes").split("train")
    rows = torch.randperm(len(inputs), generator=generator(seed, "half"))[: len(inputs) // 2]
    x_NF, y_N = inputs[rows].double().numpy(), targets[rows, 0].double().numpy()
    curvatures_F, axes_FF = np.linalg.eigh(x_NF.T @ x_NF / len(x_NF))
    solution_F = axes_FF.T @ np.linalg.lstsq(x_NF, y_N)[0]
    rate = 1 / curvatures_F[-1]
    kept_F = axes_FF.T @ descended(x_NF, y_N, rate, _STEPS) / solution_F
    ridge = Ridge(alpha=len(x_NF) / (rate * _STEPS), fit_intercept=False, solver="cholesky").fit(x_NF, y_N)
    ridged_F = axes_FF.T @ ridge.coef_ / solution_F
    closed_F = 1 - (1 - rate * curvatures_F) ** _STEPS
    return float(np.abs(kept_F - closed_F).max()), float(np.abs(kept_F - ridged_F).max())


def descended(x_NF: Array, y_N: Array, rate: float, steps: int) -> Array:
    """Return the weights after so many steps of gradient descent from 0 on the mean of (x w - y)² / 2."""
    weights_F = np.zeros(x_NF.shape[1])
    for _ in range(steps):
        weights_F -= rate * x_NF.T @ (x_NF @ weights_F - y_N) / len(x_NF)
    return weights_F


def _losses(split: str, seeds: Sequence[int]) -> list[list[float]]:
    """Return the loss on a split after each epoch, for each seed; what is measured does not change the training."""
    whole = load("digits")
    options = {"epochs": _EPOCHS, "batch_size": _BATCH, "optimizer": "adam", "learning_rate": _RATE}
    few = {seed: Variant(network=_NETWORK, data=_few(whole, seed, split)) for seed in seeds}
    trained = [train(whole, {"few": variant}, [seed], **options)["few"][0] for seed, variant in few.items()]
    return [one.validation("loss") for one in trained]


def _few(data: Dataset, seed: int, split: str) -> Dataset:
    """Return the data with few training rows, other ones for each seed, judged after each epoch on a split."""
    rows = data.rows["train"]
    few = rows[torch.randperm(len(rows), generator=generator(seed, "few"))[:_SAMPLES]]
    judged = data.rows["test"] if split == "test" else data.rows["validation"]
    return with_rows(with_rows(data, "train", few), "validation", judged)


def _course(losses: dict[str, list[list[float]]], at_best: list[float], at_end: list[float]) -> Chart:
    epochs = list(range(1, _EPOCHS + 1))
    return Chart(
        title="The loss on rows not learned from turns",
        detail="loss by epoch; the band goes from the least to the greatest seed",
        says=f"Test loss {np.mean(at_best):.3g} where the validation loss is least, {np.mean(at_end):.3g} at the end.",
        x=Axis("epoch"),
        y=Axis("loss (nats)", "log"),
        lines=[Line(label=split, x=epochs, runs=each) for split, each in losses.items()],
    )


def _shares() -> Chart:
    x = np.geomspace(0.01, 100, 120)
    shares = {"descent, 1 - e^-x": 1 - np.exp(-x), "ridge, x / (1 + x)": x / (1 + x)}
    return Chart(
        title="Stopping early is like ridge regression",
        detail="share of the least-squares solution along a direction of curvature λ, x = ελt",
        says="Both shares rise from 0 to 1 around x = 1; they are at most 0.204 apart.",
        x=Axis("x", "log"),
        y=Axis("share", "percent"),
        lines=[Line(label=name, x=x.tolist(), runs=[values.tolist()]) for name, values in shares.items()],
    )


EXPERIMENT = Experiment(
    name="early-stopping",
    title="Stopping before the end",
    topic="Regularising",
    claim="In a long training the loss on rows not learned from falls, and then rises again: who stops at its minimum"
    " generalises better. On a squared error that is like an L2 penalty.",
    source="Prechelt 1998, Early stopping, but when?; Goodfellow, Bengio and Courville 2016, Deep Learning,"
    " section 7.8",
    method=f"{_NETWORK} on {_SAMPLES} of the digits, others for each seed, {_EPOCHS} epochs of Adam at rate {_RATE:g}"
    f" in batches of {_BATCH}; the epoch is chosen by the validation loss, and judged on the test rows. Then the"
    f" squared error of diabetes on half of its training rows, other ones for each seed, descended from 0 for {_STEPS}"
    " steps at the rate 1 / λ of the greatest curvature.",
    measure=measure,
    seconds=14,
)
