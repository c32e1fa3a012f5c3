"""What is worth knowing of the data before believing a figure: counts, balance, missing values, duplicates."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.data import fingerprint
from pellucid.data.dataset import Classes, Dataset, Labels, SplitName
from pellucid.data.split import SPLITS
from pellucid.data.tables.preprocessing import TablePreprocessing
from pellucid.judging.judgement import DataFacts

_MOST_BYTES = 4 << 30
_HELD_OUT: tuple[SplitName, ...] = SPLITS[1:]


def facts_of(data: Dataset) -> DataFacts:
    """Return the facts of a data set."""
    found = {split: repeated(data, data.rows[split], data) for split in _HELD_OUT}
    return DataFacts(
        samples={split: len(data.rows[split]) for split in SPLITS},
        balance=_balance(data),
        missing=_missing(data),
        duplicates={split: int(again.sum()) for split, again in found.items() if again is not None and again.any()},
        notes=data.notes,
    )


def repeated(data: Dataset, rows: Tensor, trained_on: Dataset) -> NDArray[np.bool_] | None:
    """Return which of some rows have the same input as a training row, to the bit: bool (N,).

    None of a series or a text, whose windows are no samples of their own, and of inputs too large to be read again.
    """
    train = trained_on.rows["train"]
    windows = data.preprocessing.kind in {"series", "text"}
    if windows or not len(train) or trained_on.inputs.nbytes > _MOST_BYTES:
        return None
    of_training = fingerprint.of_rows(trained_on.inputs)[train.numpy()]
    hashes_N = fingerprint.of_rows(data.inputs.index_select(0, rows))
    return np.isin(hashes_N, of_training)


def _balance(data: Dataset) -> dict[str, dict[SplitName, int]]:
    if isinstance(data.target, Labels):
        held = {split: data.targets[data.rows[split]].sum(0).long().tolist() for split in SPLITS}
        return {name: {split: held[split][k] for split in SPLITS} for k, name in enumerate(data.target.names)}
    if not isinstance(data.target, Classes):
        return {}
    names = data.target.names
    counts = {split: torch.bincount(data.targets[data.rows[split]], minlength=len(names)).tolist() for split in SPLITS}
    return {name: {split: counts[split][index] for split in SPLITS} for index, name in enumerate(names)}


def _missing(data: Dataset) -> dict[str, int]:
    """Return how many values each column lacks, read off the feature that says so: the last of a column that has one.

    A column that lacks none in training has no such feature.
    """
    if not isinstance(data.preprocessing, TablePreprocessing):
        return {}
    found, end = {}, 0
    for column in data.preprocessing.columns:
        end += len(column.features)
        if getattr(column, "missing", False):
            found[column.name] = int((data.inputs[:, end - 1] > 0.5).sum())
    return found
