"""`.npz` and `.npy` files: which key holds the inputs, which the targets, which the given test set."""

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.data.paths import naming, require_file
from pellucid.errors import DataError

Array = NDArray[Any]

_INPUTS = ("x", "inputs", "input", "data", "images", "features")
_TARGETS = ("y", "targets", "target", "labels", "label")
_TRAIN = ("{}_train", "train_{}", "{}train", "train{}")
_TEST = ("{}_test", "test_{}", "{}test", "test{}")
_PLAIN = ("{}",)

_WHAT = "an .npz or .npy file of numbers or words"
_ZIP_MAGIC = b"PK"
_NPY_MAGIC = b"\x93NUMPY"


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


def read_inputs(path: Path) -> Found:
    """Read the inputs alone, x or x_train with x_test; targets beside them are left out.

    Raises:
        DataError: not a file of arrays, pickled objects in it, or several arrays of which none is called inputs.
    """
    arrays = _arrays(path)
    train, test = _inputs(arrays, _TRAIN), _inputs(arrays, _TEST)
    none = np.empty(0)
    if train and test:
        first, count = len(arrays[train]), len(arrays[test])
        notes = (f"keys: {train} and, as the given test set, {test}",)
        return Found(_joined(arrays, train, test), none, torch.arange(first, first + count), notes)
    key = _inputs(arrays, _PLAIN) or train or (next(iter(arrays)) if len(arrays) == 1 else None)
    if key is None:
        raise _without_inputs(path, arrays)
    return Found(arrays[key], none, None, (f"keys: {key}",))


def read_new(source: object) -> tuple[object, object | None]:
    """Return inputs, and targets where there are some, of new data: a file, a pair `(X, y)` or the inputs alone."""
    if isinstance(source, str | Path):
        path = Path(source)
        arrays = _arrays(path)
        if pair := _pair(arrays, _PLAIN) or _pair(arrays, _TEST):
            return arrays[pair[0]], arrays[pair[1]]
        key = _inputs(arrays, _PLAIN) or _inputs(arrays, _TEST) or (next(iter(arrays)) if len(arrays) == 1 else None)
        if key is None:
            raise _without_inputs(path, arrays)
        return arrays[key], None
    if isinstance(source, tuple) and len(source) == 2:
        return source
    return source, None


def _arrays(path: Path) -> Mapping[str, Array]:
    """Return every array of a file by its key; a plain `.npy` file's is x.

    Raises:
        DataError: no such file, another kind of file, damaged, pickled objects in it, or larger than the memory.
    """
    require_file(path, _WHAT)
    with naming(path), path.open("rb") as file:
        head = file.read(len(_NPY_MAGIC))
        file.seek(0)
        if head == _NPY_MAGIC:
            return {"x": _array(path, "", partial(np.lib.format.read_array, file, allow_pickle=False))}
        if not head.startswith(_ZIP_MAGIC):
            raise DataError(
                f"{path.name} is no file of arrays" if head else f"{path.name} is empty",
                expected=_WHAT,
                received="a file of another kind" if head else "an empty file",
                advice="write it with numpy.savez(path, x=X, y=y)",
            )
        with _opened(path, file) as archive:
            return {key: _array(path, f" '{key}'", partial(archive.__getitem__, key)) for key in archive.files}


def _opened(path: Path, file: IO[bytes]) -> Any:
    """Return the archive of a file, once it is known that what it holds fits into memory."""
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(member.file_size for member in archive.infolist())
        file.seek(0)
        opened = np.load(file, allow_pickle=False)
    except Exception as error:  # readers of damaged files raise whatever they stumble over
        raise _damaged(path, error) from error
    free = psutil.virtual_memory().available
    if size > free:
        raise DataError(
            f"the arrays in {path.name} are larger than fits into memory",
            expected=f"at most {free / 1e9:.3g} GB, which are free",
            received=f"{size / 1e9:.3g} GB, out of a file of {path.stat().st_size / 1e9:.3g} GB",
            advice="keep fewer samples, or smaller ones",
        )
    return opened


def _array(path: Path, called: str, read: Callable[[], object]) -> Array:
    """Return one array of a file, or refuse it if it is damaged or holds what can only be kept as a pickle."""
    try:
        array = read()
    except Exception as error:  # as above
        if "allow_pickle" not in str(error):
            raise _damaged(path, error) from error
        raise DataError(
            f"the array{called} of {path.name} holds Python objects",
            expected="an array of numbers or words",
            received="an array of objects, which is kept as a pickle",
            advice="a pickle can run code when it is read and is refused; save the array with a type of its own, "
            "such as array.astype(float)",
        ) from None
    if not isinstance(array, np.ndarray):  # a member that is no array is given as its bytes
        raise _damaged(path, ValueError(f"the member{called} is no array"))
    return array


def _without_inputs(path: Path, arrays: Mapping[str, Array]) -> DataError:
    return DataError(
        f"{path.name} has no key that means inputs",
        expected="x, inputs, data, images or features, or one array alone",
        received=", ".join(f"{key} {array.shape}" for key, array in arrays.items()) or "no arrays",
        advice="save it again with numpy.savez(path, x=X)",
    )


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(
        f"{path.name} is damaged",
        expected=_WHAT,
        received=str(error).partition("\n")[0] or type(error).__name__,
        advice="write or fetch it again",
    )


def _inputs(arrays: Mapping[str, Array], patterns: tuple[str, ...]) -> str | None:
    """Return the key of inputs whose name follows one of the patterns."""
    by_name = {key.lower(): key for key in arrays}
    names = (pattern.format(name) for pattern in patterns for name in _INPUTS)
    return next((by_name[name] for name in names if name in by_name), None)


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
