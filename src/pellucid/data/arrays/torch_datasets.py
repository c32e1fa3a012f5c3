"""Any map-style torch `Dataset`, gone through once and kept as tensors."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import IterableDataset, TensorDataset

from pellucid.data.arrays.arrays import from_arrays
from pellucid.data.dataset import Dataset
from pellucid.errors import DataError
from pellucid.recipe import DataOptions


def load_torch_dataset(source: TorchDataset[Any], options: DataOptions) -> Dataset:
    """Load a map-style torch `Dataset` of `(input, target)` samples; its transforms run once, a sample at a time.

    Raises:
        DataError: an iterable data set, an empty one, samples that are no pairs or differ in shape.
    """
    name = type(source).__name__.lower()
    if isinstance(source, TensorDataset) and len(source.tensors) == 2:
        return from_arrays(name, *source.tensors, options)
    count = _length(source)
    inputs: list[Tensor] = []
    targets: list[Any] = []
    for index in range(count):
        sample, target = _pair(source[index], index)
        inputs.append(_as_tensor(sample, index))
        targets.append(target.tolist() if isinstance(target, Tensor | np.ndarray | np.generic) else target)
        if inputs[-1].shape != inputs[0].shape:
            raise DataError(
                f"sample {index} has another shape than sample 0",
                expected=str(tuple(inputs[0].shape)),
                received=str(tuple(inputs[-1].shape)),
                advice="resize, pad or cut the samples to one shape in the data set's transform",
            )
    classes = getattr(source, "classes", None)
    named = isinstance(classes, list | tuple) and all(isinstance(label, str) for label in classes)
    return from_arrays(
        name, torch.stack(inputs), _targets(targets), options, class_names=tuple(classes) if named and classes else None
    )


def _length(source: TorchDataset[Any]) -> int:
    if isinstance(source, IterableDataset) or not hasattr(source, "__len__"):
        raise DataError(
            "a data set without a length cannot be split",
            expected="a map-style torch Dataset, with __len__ and __getitem__",
            received=type(source).__name__,
            advice="take as many samples as you want into lists first: "
            "samples = list(itertools.islice(dataset, 10_000)), then pass (inputs, targets)",
        )
    count = len(source)
    if not count:
        raise DataError("the data set is empty", expected="samples", received="a length of 0")
    return count


def _pair(sample: object, index: int) -> tuple[object, Any]:
    if not isinstance(sample, tuple | list) or len(sample) != 2:
        raise DataError(
            f"sample {index} is no pair of input and target",
            expected="(input, target)",
            received=f"{type(sample).__name__}" + (f" of {len(sample)}" if isinstance(sample, tuple | list) else ""),
        )
    return sample[0], sample[1]


def _as_tensor(sample: object, index: int) -> Tensor:
    if isinstance(sample, Tensor):
        return sample
    array = np.asarray(sample)  # a Pillow image becomes (H, W) or (H, W, C) bytes
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"the input of sample {index} is neither a tensor nor numbers",
            expected="a tensor, an array, a number or an image",
            received=type(sample).__name__,
            advice="turn it into a tensor in the data set's transform",
        )
    return torch.from_numpy(np.array(array))


def _targets(targets: list[Any]) -> np.ndarray[Any, np.dtype[Any]]:
    try:
        return np.asarray(targets)
    except ValueError:
        raise DataError("the targets differ in shape", expected="one class, or as many numbers, a sample") from None
