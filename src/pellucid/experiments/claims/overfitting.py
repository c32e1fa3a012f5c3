"""Capacity against error, on few samples of which a fifth are mislabelled: least squares on random features, networks.

The features are relu(W x) with W drawn once, the weights on them those of least squares, and the shortest of these
where there are many. Shape letters: N rows, P pixels, R random features, K classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from pellucid.chart import Axis, Chart, Line
from pellucid.data import Dataset, SplitName, load
from pellucid.experiments.evidence import exact, greater
from pellucid.experiments.experiment import Check, Experiment, Quantity, Result
from pellucid.experiments.trained import Variant, train, with_rows
from pellucid.judging.wording import percent

_SAMPLES, _MISLABELLED, _CLASSES = 150, 0.2, 10
_FEATURES = (5, 10, 20, 40, 75, 110, 130, 150, 175, 225, 300, 600, 1500, 3000)
_FEW, _MOST = 10, _FEATURES[-1]
_WIDTHS = (1, 2, 4, 8, 16, 32, 64, 128)
_NARROW = 16
_EPOCHS, _RATE, _BATCH = 150, 3e-3, 32
_OF_WIDTH = (
    "Not only capacity decides. Of all weights that fit the samples least squares takes the shortest, and descent from"
    " small weights ends near small ones: with more units there are shorter ones to be found (Belkin et al. 2019)."
)

Errors: TypeAlias = Mapping[int, list[float]]
"""Share of rows that are wrong, by capacity; one a seed."""


@dataclass(frozen=True, slots=True)
class BySplit:
    """Errors on the rows trained on, against the labels trained on, and on other rows, against the right ones."""

    training: Errors
    validation: Errors
    test: Errors


def mislabelled(data: Dataset, seed: int) -> Dataset:
    """Return the data with 150 training rows only, a fifth of which have the label of another class."""
    random = np.random.default_rng(seed)
    rows_N = random.choice(data.rows["train"].numpy(), _SAMPLES, replace=False)
    wrong_N = rows_N[: round(_SAMPLES * _MISLABELLED)]
    labels = data.targets.numpy().copy()
    labels[wrong_N] = (labels[wrong_N] + random.integers(1, _CLASSES, len(wrong_N))) % _CLASSES
    return replace(with_rows(data, "train", torch.from_numpy(rows_N)), targets=torch.from_numpy(labels))


def shortest_fit(features_NR: NDArray[np.float64], targets_NK: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights (R, K) of least squares, where several are as good the shortest."""
    weights_RK, *_ = np.linalg.lstsq(features_NR, targets_NK, rcond=None)
    return weights_RK.astype(np.float64, copy=False)


def measure(seeds: Sequence[int]) -> Result:
    """Fit with every number of features, train with every number of hidden units."""
    every = [mislabelled(load("digits"), seed) for seed in seeds]
    features = _of_features(every, seeds)
    networks = _of_networks(every, seeds)
    return Result(
        checks=_checks(features, networks),
        quantities=(
            *(Quantity(name=f"{split} error, {count} random features", values=errors[count], share=True)
              for split, errors in (("training", features.training), ("test", features.test))
              for count in (_FEW, 40, _SAMPLES, _MOST)),
            *(Quantity(name=f"{split} error, {width} hidden units", values=errors[width], share=True)
              for split, errors in (("training", networks.training), ("test", networks.test))
              for width in (4, _NARROW, _WIDTHS[-1])),
        ),
        figures=(
            _chart(features, "As many features as samples are worst", "random features", (_FEW, 40, _SAMPLES, _MOST)),
            _chart(networks, "A wide network fits the noise as well", "hidden units", (4, _NARROW, _WIDTHS[-1])),
        ),
        notes=(_OF_WIDTH,),
    )  # fmt: skip


def _checks(features: BySplit, networks: BySplit) -> tuple[Check, ...]:
    below = [count for count in _FEATURES if count < _SAMPLES]
    best = np.argmin([features.validation[count] for count in below], axis=0).tolist()
    valley = [features.test[below[place]][seed] for seed, place in enumerate(best)]
    fitted = [error for count in _FEATURES if count >= _SAMPLES for error in features.training[count]]
    return (
        exact(f"From as many random features as samples ({_SAMPLES}) on, every sample is fitted, wrong labels included",
              fitted, 0, tolerance=0),
        greater(f"With {_SAMPLES} features more test rows are wrong than with the fewer that are best on validation"
                " rows: the test error rises beyond a point", features.test[_SAMPLES], valley, share=True),
        greater(f"With {_MOST:,} features fewer are wrong than with {_SAMPLES}: the test error descends twice",
                features.test[_SAMPLES], features.test[_MOST], share=True),
        greater(f"With {_MOST:,} features fewer are wrong than even with the number below {_SAMPLES} that is best on"
                " validation rows", valley, features.test[_MOST], share=True),
        greater(f"A trained network, too, is wrong noticeably (two points) more often with {_WIDTHS[-1]} hidden units,"
                f" which fit all samples, than with {_NARROW}", networks.test[_WIDTHS[-1]], networks.test[_NARROW],
                by=0.02, share=True),
    )  # fmt: skip


def _of_features(every: Sequence[Dataset], seeds: Sequence[int]) -> BySplit:
    by_split = BySplit(*({count: [] for count in _FEATURES} for _ in range(3)))
    for data, seed in zip(every, seeds, strict=True):
        (x_NP, labels_N), *judged = (_arrays(data, split) for split in ("train", "validation", "test"))
        scale = x_NP.shape[1] ** -0.5
        drawn_PR = np.random.default_rng(seed).normal(0, scale, (x_NP.shape[1], _MOST))
        for count in _FEATURES:
            weights_RK = shortest_fit(np.maximum(x_NP @ drawn_PR[:, :count], 0), np.eye(_CLASSES)[labels_N])
            rows = zip(
                (by_split.training, by_split.validation, by_split.test), ((x_NP, labels_N), *judged), strict=True
            )
            for errors, (inputs_NP, of_N) in rows:
                said_N = (np.maximum(inputs_NP @ drawn_PR[:, :count], 0) @ weights_RK).argmax(1)
                errors[count].append(float((said_N != of_N).mean()))
    return by_split


def _arrays(data: Dataset, split: SplitName) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    inputs, labels = data.split(split)
    return inputs.flatten(1).double().numpy(), labels.numpy()


def _of_networks(every: Sequence[Dataset], seeds: Sequence[int]) -> BySplit:
    variants = {str(width): Variant(network=f"8x8x1 -> fc({width}) -> relu -> fc({_CLASSES})") for width in _WIDTHS}
    options = {"epochs": _EPOCHS, "batch_size": _BATCH, "optimizer": "adam", "learning_rate": _RATE, "augment": "none"}
    trained = [train(data, variants, [seed], **options) for data, seed in zip(every, seeds, strict=True)]

    def errors(split: SplitName) -> Errors:
        return {
            width: [1 - of_seed[str(width)][0].metrics(split)["accuracy"] for of_seed in trained] for width in _WIDTHS
        }

    return BySplit(errors("train"), errors("validation"), errors("test"))


def _chart(by_split: BySplit, title: str, capacity: str, named: Sequence[int]) -> Chart:
    counts = list(by_split.test)
    written = ", ".join(
        f"{percent(fmean(by_split.training[count]))} and {percent(fmean(by_split.test[count]))} with {count:,}"
        for count in named
    )
    return Chart(
        title=title,
        detail=f"share of rows that are wrong by {capacity}, {_SAMPLES} training samples, a fifth of them mislabelled;"
        " the band goes from the least to the greatest seed",
        says=f"Training and test error by {capacity}: {written}.",
        x=Axis(capacity, "log"),
        y=Axis("rows that are wrong", "percent"),
        lines=[
            Line(label=label, x=counts, runs=np.transpose([errors[count] for count in counts]).tolist())
            for label, errors in (("training error", by_split.training), ("test error", by_split.test))
        ],
    )


EXPERIMENT = Experiment(
    name="overfitting",
    title="Too much capacity fits the noise",
    topic="Regularising",
    claim="With more capacity the training error falls, while the test error falls at first and rises beyond a point:"
    " what is left to be learned is noise. With far more capacity still it may fall a second time.",
    source="Geman, Bienenstock and Doursat 1992, Neural networks and the bias/variance dilemma; Belkin, Hsu, Ma and"
    " Mandal 2019, Reconciling modern machine-learning practice and the classical bias-variance trade-off",
    method=f"{_SAMPLES} training digits for each seed, a fifth of them with the label of another class; validation and"
    f" test rows keep theirs. Least squares on {_FEATURES[0]} to {_MOST:,} random rectified features, the shortest"
    f" weights where several fit; of the numbers below {_SAMPLES} each seed takes the one with the least validation"
    f" error. Then networks of {_WIDTHS[0]} to {_WIDTHS[-1]} rectified hidden units, {_EPOCHS} epochs of Adam at rate"
    f" {_RATE}, batches of {_BATCH}.",
    measure=measure,
    seconds=10,
)
