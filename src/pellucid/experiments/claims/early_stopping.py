"""Early stopping: the weights of the epoch with the least validation loss, and what it comes to on a linear model.

Descent of L(w) = |X w - y|² / (2 N) from w = 0 at rate ε keeps, after t steps, of the least squares solution along
each eigenvector of XᵀX / N, of eigenvalue λ, the share 1 - (1 - ελ)^t; ridge, with a penalty α |w|² / 2 added to L,
keeps λ / (λ + α). Shape letters: N rows, F features, T moments.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch
from numpy.typing import NDArray

from pellucid.chart import Axis, Chart, Line
from pellucid.data import Dataset, SplitName, load
from pellucid.experiments.evidence import alike, below, exact, greater
from pellucid.experiments.experiment import Check, Experiment, Quantity, Result
from pellucid.experiments.trained import Trained, Variant, train, with_rows
from pellucid.seed import generator

_NETWORKS = {"digits": "8x8x1 -> fc(64) -> relu -> fc(10)", "diabetes": "10 -> fc(64) -> relu -> fc(1)"}
_CALLED = {"digits": "the digits", "diabetes": "the diabetes patients"}
_SAMPLES, _EPOCHS, _RATE, _BATCH = 150, 300, 3e-3, 32
_LINEAR_SAMPLES = 50
_MOMENTS = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000)
_SMALL_RATE = 0.01  # of 1 / the greatest eigenvalue
_FURTHEST = 0.21
_BOUND = (
    "At a small rate descent keeps 1 - exp(-x) along an eigenvector and ridge x / (1 + x), with x = ελt. They agree"
    " where x is far below or far above 1, and are furthest apart at x = 2.5, by 0.204: near, but not the same."
)

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stopped:
    """One long training, at its end and where validation would have stopped it.

    Attributes:
        validation: loss after each epoch.
        at_best, at_end: test metrics of the weights of the least validation loss, and of the last.
    """

    validation: list[float]
    at_best: dict[str, float]
    at_end: dict[str, float]

    @property
    def epoch(self) -> int:
        """The epoch with the least validation loss, from 1."""
        return 1 + int(np.argmin(self.validation))


@dataclass(frozen=True, slots=True)
class Linear:
    """Descent and ridge on the same rows, T moments.

    Attributes:
        kept, wanted, ridge: TxF shares of least squares along the eigenvectors, as descent was measured to keep,
            as 1 - (1 - ελ)^t says, and as ridge with α = 1 / (εt) was measured to keep.
        validation_r2: of descent on the validation rows, a value for each moment.
        r2, ridge_r2: of both on the test rows.
        spread: ελt, which is λ / α, TxF.
    """

    kept: Numbers
    wanted: Numbers
    ridge: Numbers
    validation_r2: list[float]
    r2: list[float]
    ridge_r2: list[float]
    spread: Numbers


def descend(x_NF: Numbers, y_N: Numbers, rate: float, moments: Sequence[int]) -> Numbers:
    """Return the weights (T, F) of gradient descent from 0, after as many steps as each moment says."""
    hessian_FF, slope_F = x_NF.T @ x_NF / len(y_N), x_NF.T @ y_N / len(y_N)
    w_F: Numbers = np.zeros(x_NF.shape[1])
    seen = []
    for step in range(1, max(moments) + 1):
        w_F -= rate * (hessian_FF @ w_F - slope_F)
        if step in moments:
            seen.append(w_F.copy())
    return np.stack(seen)


def ridge(x_NF: Numbers, y_N: Numbers, alpha: float) -> Numbers:
    """Return the weights that make |X w - y|² / (2 N) + α |w|² / 2 least."""
    penalised_FF = x_NF.T @ x_NF / len(y_N) + alpha * np.eye(x_NF.shape[1])
    return np.linalg.solve(penalised_FF, x_NF.T @ y_N / len(y_N)).astype(np.float64, copy=False)


def measure(seeds: Sequence[int]) -> Result:
    """Train for long on few samples of two kinds, and descend on a linear regression beside ridge."""
    trained = {name: _stopped(name, seeds) for name in _NETWORKS}
    linear = [_linear(load("diabetes"), seed) for seed in seeds]
    best = [int(np.argmax(one.validation_r2)) for one in linear]
    return Result(
        checks=_checks(trained, linear, best),
        quantities=(
            *(Quantity(name=f"epoch of the least validation loss, {_CALLED[name]}",
                       values=epochs) for name, epochs in _epochs(trained).items()),
            *(Quantity(name=f"test loss {when}, {_CALLED[name]}", values=[each["loss"] for each in values])
              for name, of in trained.items()
              for when, values in (("at that epoch", [one.at_best for one in of]),
                                   ("at the end", [one.at_end for one in of]))),
            Quantity(name="test accuracy at that epoch, the digits", share=True,
                     values=[one.at_best["accuracy"] for one in trained["digits"]]),
            Quantity(name="test accuracy at the end, the digits", share=True,
                     values=[one.at_end["accuracy"] for one in trained["digits"]]),
            Quantity(name="largest difference of the kept shares of descent and ridge", values=_furthest(linear)),
            Quantity(name="steps of descent that predict the validation rows best", scale="log",
                     values=[float(_MOMENTS[place]) for place in best]),
        ),
        figures=(*(_learning(name, of) for name, of in trained.items()), _kept(linear)),
        notes=(_BOUND,),
    )  # fmt: skip


def _checks(
    trained: Mapping[str, Sequence[Stopped]], linear: Sequence[Linear], best: Sequence[int]
) -> tuple[Check, ...]:
    apart = [float(np.abs(one.kept - one.wanted).max()) for one in linear]
    return (
        *(below(f"On {_CALLED[name]} the validation loss is least before the last tenth of the epochs", epochs,
                0.9 * _EPOCHS) for name, epochs in _epochs(trained).items()),
        *(greater(f"On {_CALLED[name]} the test loss is higher at the end than where the validation loss was least",
                  [one.at_end["loss"] for one in of], [one.at_best["loss"] for one in of])
          for name, of in trained.items()),
        exact("Along each eigenvector t steps keep the share 1 - (1 - ελ)^t of least squares", apart, 0,
              tolerance=1e-9),
        below(f"That is nowhere further than {_FURTHEST:g} from the λ / (λ + α) of ridge with α = 1 / (εt)",
              _furthest(linear), _FURTHEST),
        alike("Stopped where it is best on validation rows, descent predicts test rows as well as ridge with"
              " α = 1 / (εt), to a hundredth of R²",
              [one.r2[place] for one, place in zip(linear, best, strict=True)],
              [one.ridge_r2[place] for one, place in zip(linear, best, strict=True)], within=0.01),
    )  # fmt: skip


def _epochs(trained: Mapping[str, Sequence[Stopped]]) -> dict[str, list[float]]:
    return {name: [float(one.epoch) for one in of] for name, of in trained.items()}


def _furthest(linear: Sequence[Linear]) -> list[float]:
    return [float(np.abs(one.kept - one.ridge).max()) for one in linear]


def _few(data: Dataset, samples: int, seed: int) -> Dataset:
    rows = data.rows["train"]
    drawn = torch.randperm(len(rows), generator=generator(seed, "samples"))[:samples]
    return with_rows(data, "train", rows[drawn])


def _stopped(name: str, seeds: Sequence[int]) -> list[Stopped]:
    """Train to the end, on other samples for each seed."""
    data, variant = load(name), {"": Variant(network=_NETWORKS[name])}
    options = {"epochs": _EPOCHS, "batch_size": _BATCH, "optimizer": "adam", "learning_rate": _RATE, "metric": "loss"}
    return [_judged(train(_few(data, _SAMPLES, seed), variant, [seed], **options)[""][0]) for seed in seeds]


def _judged(one: Trained) -> Stopped:
    at_end = one.metrics()
    one.session.network.load_state_dict(one.session.best_weights)
    return Stopped(one.validation("loss"), one.metrics(), at_end)


def _linear(data: Dataset, seed: int) -> Linear:
    """Descend on a few rows, whose means are taken off inputs and targets in place of a bias."""
    x_NF, y_N = _arrays(_few(data, _LINEAR_SAMPLES, seed), "train")
    means_F, mean = x_NF.mean(0), y_N.mean()
    x_NF, y_N = x_NF - means_F, y_N - mean
    curvatures_F, vectors_FF = np.linalg.eigh(x_NF.T @ x_NF / len(y_N))
    rate = _SMALL_RATE / float(curvatures_F[-1])
    least_F = vectors_FF.T @ np.linalg.lstsq(x_NF, y_N, rcond=None)[0]
    way_TF = descend(x_NF, y_N, rate, _MOMENTS)
    ridges_TF = np.stack([ridge(x_NF, y_N, 1 / (rate * step)) for step in _MOMENTS])
    steps_T1 = np.array(_MOMENTS, dtype=float)[:, None]

    def r2(weights_TF: Numbers, split: SplitName) -> list[float]:
        judged_NF, judged_N = _arrays(data, split)
        squares_T = (((judged_NF - means_F) @ weights_TF.T + mean - judged_N[:, None]) ** 2).mean(0)
        return [float(1 - square / judged_N.var()) for square in squares_T]

    return Linear(
        kept=way_TF @ vectors_FF / least_F,
        wanted=1 - (1 - rate * curvatures_F) ** steps_T1,
        ridge=ridges_TF @ vectors_FF / least_F,
        validation_r2=r2(way_TF, "validation"),
        r2=r2(way_TF, "test"),
        ridge_r2=r2(ridges_TF, "test"),
        spread=rate * curvatures_F * steps_T1,
    )


def _arrays(data: Dataset, split: SplitName) -> tuple[Numbers, Numbers]:
    inputs_NF, targets_N1 = data.split(split)
    return inputs_NF.double().numpy(), targets_N1[:, 0].double().numpy()


def _learning(name: str, of: Sequence[Stopped]) -> Chart:
    at_best, at_end = fmean(one.at_best["loss"] for one in of), fmean(one.at_end["loss"] for one in of)
    return Chart(
        title=f"The validation loss turns, on {_CALLED[name]}",
        detail="loss on the validation rows by epoch; the band goes from the least to the greatest seed",
        says=f"It is least after {fmean(one.epoch for one in of):.0f} of {_EPOCHS} epochs. The test loss is"
        f" {at_best:.3g} there and {at_end:.3g} at the end.",
        x=Axis("epoch", "log"),
        y=Axis("validation loss", "log"),
        lines=[Line(label="validation", x=list(range(1, _EPOCHS + 1)), runs=[one.validation for one in of])],
    )


def _kept(linear: Sequence[Linear]) -> Chart:
    first = linear[0]
    order = first.spread.ravel().argsort()
    at = first.spread.ravel()[order].tolist()
    return Chart(
        title="Descent that is stopped is nearly ridge",
        detail="share of least squares kept along each eigenvector after each of so many steps, first seed",
        says=f"The shares are nowhere further apart than {fmean(_furthest(linear)):.3f}.",
        x=Axis("ελt, for ridge λ / α", "log"),
        y=Axis("share kept", "percent"),
        lines=[
            Line(label="descent", x=at, runs=[first.kept.ravel()[order].tolist()], style="dots"),
            Line(label="1 - (1 - ελ)^t", x=at, runs=[first.wanted.ravel()[order].tolist()], style="dashed"),
            Line(label="ridge", x=at, runs=[first.ridge.ravel()[order].tolist()]),
        ],
    )


EXPERIMENT = Experiment(
    name="early-stopping",
    title="Stopping before the end",
    topic="Regularising",
    claim="In a long training the validation loss falls, then rises: the network of its minimum is better than the"
    " last. On a linear model stopping after t steps of rate ε does about what ridge with α = 1 / (εt) does.",
    source="Prechelt 1998, Early stopping, but when?; Goodfellow, Bengio and Courville 2016, Deep Learning,"
    " section 7.8",
    method=f"64 hidden units (relu) on {_SAMPLES} training digits and on {_SAMPLES} patients of `diabetes`, others for"
    f" each seed: {_EPOCHS} epochs of Adam at rate {_RATE}, batches of {_BATCH}. Then linear regression on"
    f" {_LINEAR_SAMPLES} patients in float64: descent from 0 of up to {_MOMENTS[-1]:,} steps on all of them at"
    f" {_SMALL_RATE} / the greatest eigenvalue of XᵀX / N, judged at {len(_MOMENTS)} moments, and stopped at the"
    " one that is best on the validation rows.",
    measure=measure,
    seconds=7,
)
