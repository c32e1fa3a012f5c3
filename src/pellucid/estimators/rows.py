"""Which rows train, how often, and which choose the best weights: a function of the rows, whatever their order.

Shape letters: N rows as given, F features, M rows in the order of training, D of them distinct.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.data import fingerprint
from pellucid.data.arrays.arrays import ArrayPreprocessing
from pellucid.data.arrays.layouts import Layout
from pellucid.data.dataset import Dataset, Source, Target
from pellucid.data.split import ratios, split_rows
from pellucid.errors import DataError, OptionError
from pellucid.recipe import DataOptions
from pellucid.shapes import Features, Image, Sequence

Array = NDArray[Any]
InputShape = Features | Image | Sequence

_MOST_COPIES = 10  # of all rows together; beyond that a training would only take longer


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a training.

    Attributes:
        train: row numbers, int64; a row whose weight is 3 stands there three times.
        validation: those that choose the best weights, likewise; empty where the last weights are kept.
        weights: of each row as given, float64 (N,), their mean over `train` 1; None where all weigh the same.
    """

    train: Tensor
    validation: Tensor
    weights: Array | None

    @property
    def train_weights(self) -> Array | None:
        """The weights of the training rows, (M,)."""
        return None if self.weights is None else self.weights[self.train.numpy()]


def counting(weights_N: Array) -> NDArray[np.bool_]:
    """Return which rows count at all, (N,).

    Raises:
        DataError: none does.
    """
    counts_N: NDArray[np.bool_] = weights_N > 0
    if not counts_N.any():
        raise DataError("the weights of all rows are zero", expected="at least one above 0", received="0")
    return counts_N


def chosen_rows(inputs_NF: Array, targets: Array, weights_N: Array | None, split: str | None, seed: int) -> Rows:
    """Return the rows of a training, in an order in which equal rows stand side by side.

    So rows that are repeated and a row with that weight are one and the same training, to the bit.

    Args:
        inputs_NF: the inputs.
        targets: classes (N,), which a split has in equal shares, or numbers (N, K).
        weights_N: none of them 0. Whole numbers are counts; of others, each row's loss is multiplied.
        split: shares of training and validation rows, such as 90:10; None lets all rows train.
        seed: of the split.

    Raises:
        OptionError: a split that keeps test rows.
        DataError: a split that cannot be read, or too few rows for it.
    """
    hashes_N = _hashes(inputs_NF, targets)
    keys = (hashes_N,) if weights_N is None else (weights_N, hashes_N)
    order_M = np.lexsort(keys)
    if weights_N is not None and _are_counts(weights_N):
        order_M = np.repeat(order_M, weights_N[order_M].astype(np.int64))
        weights_N = None
    if weights_N is not None and weights_N.min() == weights_N.max():
        weights_N = None
    train, validation = torch.from_numpy(order_M), torch.empty(0, dtype=torch.int64)
    if split is not None:
        train, validation = _divided(order_M, hashes_N, targets if targets.ndim == 1 else None, split, seed)
    return Rows(train, validation, None if weights_N is None else weights_N / weights_N[train.numpy()].mean())


def _hashes(inputs_NF: Array, targets: Array) -> NDArray[np.uint64]:
    """Return a hash of each row with its target, (N,)."""
    # a target's hash is turned, for else it would take away that of an input of the same bytes
    of_targets = fingerprint.of_rows(torch.from_numpy(targets.reshape(len(targets), -1)))
    return fingerprint.of_rows(torch.from_numpy(inputs_NF)) ^ (
        (of_targets << np.uint64(1)) | (of_targets >> np.uint64(63))
    )


def _are_counts(weights_N: Array) -> bool:
    return bool((weights_N == np.floor(weights_N)).all()) and weights_N.sum() <= _MOST_COPIES * len(weights_N)


def _divided(
    order_M: Array, hashes_N: NDArray[np.uint64], classes_N: Array | None, split: str, seed: int
) -> tuple[Tensor, Tensor]:
    """Return training and validation rows; equal rows are all in the one or all in the other."""
    if ratios(split, len(order_M))[2]:
        raise OptionError(
            "an estimator keeps no test rows: what they would measure is measured by scikit-learn",
            expected="training and validation, such as 90:10",
            received=split,
            advice="leave test rows out of fit with train_test_split, or use cross_val_score",
        )
    _, firsts_D, distinct_M = np.unique(hashes_N[order_M], return_index=True, return_inverse=True)
    rows = split_rows(
        len(firsts_D),
        DataOptions(split=split, split_seed=seed),
        labels=None if classes_N is None else torch.from_numpy(classes_N[order_M[firsts_D]]),
    )
    validates_M = np.isin(distinct_M, rows["validation"].numpy())
    return torch.from_numpy(order_M[~validates_M]), torch.from_numpy(order_M[validates_M])


def arranged(inputs_NF: Array, shape: InputShape) -> Array:
    """Return rows of numbers in the axes of a network's input: (N, F), (N, T, F) or (N, H, W, C)."""
    match shape:
        case Image():
            return inputs_NF.reshape(-1, shape.height, shape.width, shape.channels)
        case Sequence():
            return inputs_NF.reshape(len(inputs_NF), -1, shape.features)
    return inputs_NF


def stored(arranged: Array) -> Tensor:
    """Return inputs as torch has them: images with their channels first."""
    tensor = torch.from_numpy(arranged)
    return (tensor.permute(0, 3, 1, 2) if tensor.ndim == 4 else tensor).contiguous()


def dataset(inputs: Tensor, targets: Tensor, target: Target, rows: Rows, shape: InputShape) -> Dataset:
    """Return data in memory that are standardised already.

    Without validation rows the first training row stands in for them: a session looks at some after every epoch, and
    what it says of that one is not used.
    """
    return Dataset(
        name="arrays",
        source=Source("memory", "arrays", ""),
        inputs=inputs,
        targets=targets,
        rows={
            "train": rows.train,
            "validation": rows.validation if len(rows.validation) else rows.train[:1],
            "test": rows.train[:0],
        },
        input_shape=shape,
        target=target,
        preprocessing=as_they_are(inputs),
    )


def as_they_are(inputs: Tensor) -> ArrayPreprocessing:
    """Return the preprocessing that changes nothing."""
    layouts: dict[int, Layout] = {2: "features", 3: "sequences", 4: "channels first"}
    count = inputs.shape[1] if inputs.ndim == 4 else inputs.shape[-1]
    return ArrayPreprocessing(layouts[inputs.ndim], tuple(inputs.shape[1:]), (0.0,) * count, (1.0,) * count)
