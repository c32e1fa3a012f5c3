"""Input columns that alone tell the answer, as no column should that is known before the answer is."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from pellucid.data.dataset import Classes, Dataset, Values
from pellucid.data.tables.preprocessing import TablePreprocessing
from pellucid.judging.references import spread
from pellucid.judging.wording import percent

_MOST_TRAINING = 5_000
_MOST_JUDGED = 2_000
_MOST_COLUMNS = 500
_LEAST_ERRORS = 50
_LEFT = 0.02
_LEAVES = 64


@dataclass(frozen=True, slots=True)
class Leak:
    """A column that alone tells the answer, and how well."""

    column: str
    evidence: str


def leaks_of(data: Dataset) -> tuple[Leak, ...]:
    """Return the columns of a table that alone leave less than a fiftieth of the error made without any input.

    For each a decision tree of at most 64 leaves is trained on its features in at most 5,000 training rows and judged
    on at most 2,000 held-out ones. Nothing is said where those make fewer than 50 errors without inputs (a column may
    do so well on few rows by luck), nor of a table's only column.
    """
    if not isinstance(data.preprocessing, TablePreprocessing) or not isinstance(data.target, Classes | Values):
        return ()
    columns = data.preprocessing.columns
    held_out = spread(torch.cat([data.rows["validation"], data.rows["test"]]), _MOST_JUDGED)
    training = spread(data.rows["train"], _MOST_TRAINING)
    if not 2 <= len(columns) <= _MOST_COLUMNS or not len(held_out) or not len(training):
        return ()
    (inputs_NF, targets_N), (judged_NF, truth_N) = (
        (data.inputs[rows].numpy(), data.targets[rows].numpy().reshape(len(rows), -1)[:, 0])
        for rows in (training, held_out)
    )
    found, end = [], 0
    for column in columns:
        start, end = end, end + len(column.features)
        tree = _tree(data).fit(inputs_NF[:, start:end], targets_N)
        evidence = _evidence(data, tree.predict(judged_NF[:, start:end]), truth_N, targets_N)
        found += [Leak(column.name, evidence)] if evidence else []
    return tuple(found)


def _tree(data: Dataset) -> DecisionTreeClassifier | DecisionTreeRegressor:
    kind = DecisionTreeClassifier if isinstance(data.target, Classes) else DecisionTreeRegressor
    return kind(max_leaf_nodes=_LEAVES, random_state=0)


def _evidence(
    data: Dataset, said_N: NDArray[np.generic], truth_N: NDArray[np.generic], training_N: NDArray[np.generic]
) -> str:
    """Return how well one column does, or nothing where it leaves a fiftieth of the error or more."""
    if isinstance(data.target, Classes):
        without = int((truth_N != np.bincount(training_N).argmax()).sum())
        wrong = int((said_N != truth_N).sum())
        if without < _LEAST_ERRORS or wrong > _LEFT * without:
            return ""
        right = 1 - wrong / len(truth_N)
        return f"a tree that sees nothing else is right on {percent(right)} of {len(truth_N):,} held-out rows"
    values_N = truth_N.astype(np.float64)
    errors_N, spread_N = said_N.astype(np.float64) - values_N, values_N - training_N.astype(np.float64).mean()
    left = float((errors_N**2).sum() / max(float((spread_N**2).sum()), 1e-30))
    if len(truth_N) < _LEAST_ERRORS or left > _LEFT:
        return ""
    return (
        f"a tree that sees nothing else explains {percent(1 - left)} of the variation in {len(truth_N):,} held-out rows"
    )
