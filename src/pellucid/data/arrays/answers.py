"""What the targets of arrays mean: classes, quantities, labels of which any may apply, or several of these.

Shape letters: N samples, K target quantities or labels, C classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pellucid.data import targets
from pellucid.data.answers import Answers, labels_of, several
from pellucid.data.arrays import numbers
from pellucid.data.dataset import Classes
from pellucid.errors import DataError
from pellucid.recipe import DataOptions


def read_answers(
    raw: NDArray[Any],
    options: DataOptions,
    *,
    class_names: Sequence[str] | None = None,
    target_names: Sequence[str] | None = None,
) -> Answers:
    """Return what an array of targets holds.

    Args:
        raw: (N,) classes or a quantity; (N, C) one-hot classes; (N, K) labels, of zeros and ones, or quantities.
        options: `task` decides where the numbers leave it open.
        class_names: names of the classes 0, 1, ...
        target_names: names of the quantities or labels.

    Raises:
        DataError: nothing that can be learned, or not with the task asked for.
    """
    if options.task == "multitask":
        raise DataError(
            "one array of targets is no several tasks", expected="a mapping of names to targets",
            received=f"an array {raw.shape}",
        )  # fmt: skip
    if raw.ndim > 2 and raw[0].size > 1:
        raise DataError(
            "targets of several axes cannot be learned",
            expected="(N,) classes or quantities, or (N, K) quantities or labels",
            received=str(raw.shape),
            advice="flatten them: y.reshape(len(y), -1)",
        )
    if raw.ndim > 1 and raw[0].size > 1:
        return _of_columns(raw, options, class_names, target_names)
    if options.task == "multilabel":
        raise DataError(
            "one column of targets is no labels", expected="(N, K) zeros and ones", received=str(raw.shape),
            advice="leave task out: two classes are told apart",
        )  # fmt: skip
    return _of_one(raw.reshape(-1), options, class_names, target_names)


def answers_of_several(raw: Mapping[str, NDArray[Any]], options: DataOptions) -> Answers:
    """Return what several arrays of targets hold, each read as if it were the only one.

    Raises:
        DataError: no target, or a task that is of one target.
    """
    if options.task not in (None, "multitask"):
        raise DataError(
            f"several targets are not learned with --task {options.task}", expected="multitask",
            received=", ".join(raw), advice="leave task out, or pass one target",
        )  # fmt: skip
    if not raw:
        raise DataError("there is nothing to learn", expected="a mapping of names to targets", received="none")
    alone = replace(options, task=None)
    return several({name: read_answers(each, alone) for name, each in raw.items()})


def _of_columns(
    raw_NK: NDArray[Any],
    options: DataOptions,
    class_names: Sequence[str] | None,
    target_names: Sequence[str] | None,
) -> Answers:
    """Return one-hot rows as classes, other zeros and ones as labels, and numbers as quantities."""
    count = raw_NK.shape[1]
    binary = raw_NK.dtype.kind in "iufb" and bool(((raw_NK == 0) | (raw_NK == 1)).all())
    one_hot = binary and bool((raw_NK.sum(1) == 1).all())
    if one_hot and options.task in (None, "classification"):
        names = tuple(class_names or map(str, range(count)))
        note = f"targets: {count} one-hot columns read as classes"
        return Answers(torch.from_numpy(raw_NK.argmax(1)), ("target",), Classes(names), (note,))
    if options.task == "classification":
        raise DataError(
            "targets of several columns are no classes",
            expected="(N,) class indices or names, or (N, classes) one-hot rows",
            received=str(raw_NK.shape),
            advice="pass --task regression if each column is a quantity, multilabel if each says yes or no",
        )
    if binary and options.task != "regression":
        names = tuple(target_names or class_names or (f"y{number}" for number in range(1, count + 1)))
        for name, column in zip(names, raw_NK.T, strict=True):
            targets.refuse_single_class(tuple(map(targets.label_name, np.unique(column))), f"the label '{name}'")
        return labels_of(torch.from_numpy(raw_NK.astype(np.float32)), names)
    if options.task == "multilabel":
        raise DataError(
            "labels apply or do not", expected="zeros and ones", received=f"{raw_NK.dtype} {raw_NK[0].tolist()[:8]}",
            advice="pass --task regression if each column is a quantity",
        )  # fmt: skip
    return _quantities(raw_NK, target_names)


def _of_one(
    flat_N: NDArray[Any],
    options: DataOptions,
    class_names: Sequence[str] | None,
    target_names: Sequence[str] | None,
) -> Answers:
    if flat_N.dtype.kind in "iu" and class_names is not None:
        return _indices(flat_N, class_names)
    if flat_N.dtype.kind in "iuf":
        numbers.refuse_non_finite(torch.from_numpy(flat_N.astype(np.float64)), "targets")
        distinct = np.unique(flat_N)
        contiguous = flat_N.dtype.kind in "iu" and distinct[0] == 0 and distinct[-1] == len(distinct) - 1
        many_each = len(flat_N) >= 5 * len(distinct)
        read_as_classes = options.task is None and contiguous and many_each
        if not read_as_classes and targets.kind_of_numbers(distinct, options) == "regression":
            note = f"target: {len(distinct):,} distinct numbers read as a quantity (--task to change)"
            return _quantities(flat_N[:, None], target_names, note)
    labels, classes = targets.encode_labels(flat_N)
    return Answers(labels, ("target",), classes, (f"target: read as {len(classes.names)} classes (--task to change)",))


def _indices(flat_N: NDArray[Any], class_names: Sequence[str]) -> Answers:
    if flat_N.min() < 0 or flat_N.max() >= len(class_names):
        raise DataError(
            "targets must index the class names",
            expected=f"0 to {len(class_names) - 1}",
            received=f"{flat_N.min()} to {flat_N.max()}",
        )
    targets.refuse_single_class(tuple(class_names[index] for index in np.unique(flat_N)))
    return Answers(torch.from_numpy(flat_N.astype(np.int64)), ("target",), Classes(tuple(class_names)))


def _quantities(raw_NK: NDArray[Any], target_names: Sequence[str] | None, *notes: str) -> Answers:
    if raw_NK.dtype.kind not in "iufb":
        raise DataError(
            "targets of words cannot be predicted as quantities",
            expected="numbers",
            received=str(raw_NK.dtype),
            advice="leave --task out, or pass --task classification",
        )
    values_NK = raw_NK.astype(np.float64)
    numbers.refuse_non_finite(torch.from_numpy(values_NK), "targets")
    count = values_NK.shape[1]
    names = tuple(target_names or (["y"] if count == 1 else [f"y{number}" for number in range(1, count + 1)]))
    return Answers(torch.from_numpy(values_NK), names, None, notes)
