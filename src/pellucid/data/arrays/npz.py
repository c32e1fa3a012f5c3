"""`.npz` and `.npy` files: which key holds the inputs, which the targets, which the given test set."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.errors import DataError

Array = NDArray[Any]

_INPUTS = ("x", "inputs", "input", "data", "images", "features")
_TARGETS = ("y", "targets", "target", "labels", "label")
_TRAIN = ("{}_train", "train_{}", "{}train", "train{}")
_TEST = ("{}_test", "test_{}", "{}test", "test{}")
_PLAIN = ("{}",)


@dataclass(frozen=True, slots=True)
class Found:
    """Inputs and targets of a file, and the rows of its given test set."""

    inputs: Array
    targets: Array
    test_rows: Tensor | None
    notes: tuple[str, ...]


def read(path: Path) -> Found:
    """Read inputs and targets by their keys: x and y, X_train and y_train with X_test and y_test, data and labels, ...

    Raises:
        DataError: not an `.npz` file, pickled objects in it, or no such keys.
    """
    arrays = _arrays(path)
    if (test := _pair(arrays, _TEST)) and (train := _pair(arrays, _TRAIN)):
        (train_x, train_y), (test_x, test_y) = train, test
        inputs, targets = _joined(arrays, train_x, test_x), _joined(arrays, train_y, test_y)
        first = len(arrays[train_x])
        test_rows = torch.arange(first, first + len(arrays[test_x]))
        notes = (f"keys: {train_x}, {train_y} and, as the given test set, {test_x}, {test_y}",)
        return Found(inputs, targets, test_rows, notes)
    pair = _pair(arrays, _PLAIN) or _pair(arrays, _TRAIN)
    if pair is None:
        raise DataError(
            f"{path.name} has no keys that mean inputs and targets",
            expected="x and y, inputs and targets, data and labels, or x_train, y_train, x_test, y_test",
            received=", ".join(f"{key} {array.shape}" for key, array in arrays.items()) or "no arrays",
            advice="save it again with numpy.savez(path, x=X, y=y)",
        )
    return Found(arrays[pair[0]], arrays[pair[1]], None, (f"keys: {pair[0]} and {pair[1]}",))


def read_new(source: object) -> tuple[object, object | None]:
    """Return inputs, and targets where there are some, of new data: a file, a pair `(X, y)` or the inputs alone."""
    if isinstance(source, str | Path):
        path = Path(source)
        arrays = _arrays(path)
        if pair := _pair(arrays, _PLAIN) or _pair(arrays, _TEST):
            return arrays[pair[0]], arrays[pair[1]]
        by_name = {key.lower(): array for key, array in arrays.items()}
        alone = [by_name[name] for name in _INPUTS if name in by_name] or list(arrays.values())[:1]
        if not alone:
            raise DataError(f"{path.name} holds no arrays", expected="inputs under the key x")
        return alone[0], None
    if isinstance(source, tuple) and len(source) == 2:
        return source
    return source, None


def _arrays(path: Path) -> Mapping[str, Array]:
    try:
        opened = np.load(path, allow_pickle=False)
        if isinstance(opened, np.ndarray):
            return {"x": opened}
        with opened:
            return {key: opened[key] for key in opened.files}
    except FileNotFoundError:
        raise DataError(f"{path} does not exist") from None
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path.name} cannot be read as arrays",
            expected="an .npz or .npy file of numbers or words, without pickled objects",
            received=str(error).partition("\n")[0],
            advice="pickled objects can run code when read and are refused; save plain arrays",
        ) from None


def _pair(arrays: Mapping[str, Array], patterns: tuple[str, ...]) -> tuple[str, str] | None:
    """Return the keys of inputs and targets whose names follow one of the patterns."""
    by_name = {key.lower(): key for key in arrays}
    for pattern in patterns:
        inputs = [by_name[pattern.format(name)] for name in _INPUTS if pattern.format(name) in by_name]
        targets = [by_name[pattern.format(name)] for name in _TARGETS if pattern.format(name) in by_name]
        if inputs and targets:
            return inputs[0], targets[0]
    return None


def _joined(arrays: Mapping[str, Array], train: str, test: str) -> Array:
    try:
        return np.concatenate([arrays[train], arrays[test]])
    except ValueError:
        raise DataError(
            f"{train} and {test} do not fit together",
            expected=f"{test} of the same shape as {train} but for the number of samples",
            received=f"{arrays[train].shape} and {arrays[test].shape}",
        ) from None
