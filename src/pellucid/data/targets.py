"""Raw targets become stored targets: labels become class indices, quantities are standardised on training rows.

Shape letters: N rows, K target quantities or classes.
"""

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.data.dataset import Classes, Values
from pellucid.data.spread import LEAST_DEVIATION, deviation
from pellucid.errors import DataError
from pellucid.recipe import DataOptions

TargetKind = Literal["classification", "regression"]

# A rating of 0 to 10 and the 10 digits are classes, an age in years is a quantity.
MOST_WHOLE_CLASSES = 20


def kind_of_numbers(distinct: NDArray[Any], options: DataOptions) -> TargetKind:
    """Return whether numbers are classes or quantities: few distinct whole numbers, or any two numbers, are classes.

    Args:
        distinct: the distinct values, ascending.
        options: `task` decides where it is given.
    """
    if options.task is not None:
        return "classification" if options.task == "classification" else "regression"
    whole = bool((np.mod(distinct, 1) == 0).all())
    few = len(distinct) <= (MOST_WHOLE_CLASSES if whole else 2)
    return "classification" if few else "regression"


def encode_labels(values: NDArray[Any]) -> tuple[Tensor, Classes]:
    """Return the class index of each value, int64 (N,), and the classes: numbers ascending, words by alphabet.

    Raises:
        DataError: there is one class only, or nearly as many as rows.
    """
    distinct, indices = np.unique(values, return_inverse=True)
    names = tuple(label_name(value) for value in distinct.tolist())
    refuse_single_class(names)
    refuse_too_many_classes("the target", len(names), len(values), numbers=values.dtype.kind in "iuf")
    return torch.from_numpy(indices.astype(np.int64).reshape(-1)), Classes(names)


def label_name(value: object) -> str:
    """Return how a class is called: whole numbers without a decimal point."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def refuse_single_class(names: tuple[str, ...], target: str = "the target") -> None:
    """Refuse a target that is always the same.

    Raises:
        DataError: fewer than two classes.
    """
    if len(names) < 2:
        raise DataError(
            f"there is nothing to tell apart: {target} has one class only",
            expected="at least two classes",
            received=", ".join(names) or "no rows with a target",
            advice="choose another target column, or add rows of another class",
        )


def refuse_too_many_classes(target: str, classes: int, rows: int, *, numbers: bool) -> None:
    """Refuse a target that is hardly ever the same: a name, a key or a quantity.

    Raises:
        DataError: more than 20 classes, with fewer than two rows each.
    """
    if classes > MOST_WHOLE_CLASSES and classes * 2 > rows:
        raise DataError(
            f"{target} has too many different values to be classes",
            expected="several rows of each class",
            received=f"{classes:,} different values in {rows:,} rows",
            advice="choose another --target" + (", or pass --task regression" if numbers else ""),
        )


def standardise(values_NK: NDArray[np.float64], train: Tensor, names: tuple[str, ...]) -> tuple[Tensor, Values]:
    """Return (value - mean) / scale as float32 (N, K), and the mean and scale of the training rows.

    Raises:
        DataError: a target is the same in all training rows, or varies so little that its square is 0.
    """
    training_NK = values_NK[train.numpy()]
    mean_K, scale_K = training_NK.mean(0), deviation(training_NK)
    constant = [name for name, scale in zip(names, scale_K, strict=True) if not scale > 0]
    if constant:
        raise DataError(
            f"there is nothing to predict: {', '.join(constant)} is the same in all training rows",
            expected="a target that varies",
            received=f"always {training_NK[0].tolist()[0]}",
        )
    for name, scale in zip(names, scale_K, strict=True):
        if scale < LEAST_DEVIATION:
            raise DataError(
                f"the target {name} varies too little: squared errors of it are 0 in double precision",
                expected=f"a standard deviation of {LEAST_DEVIATION:g} or more",
                received=f"{scale:.3g} in the training rows",
                advice="give it in a smaller unit",
            )
    stored_NK = torch.from_numpy(((values_NK - mean_K) / scale_K).astype(np.float32))
    return stored_NK, Values(names, tuple(mean_K.tolist()), tuple(scale_K.tolist()))
