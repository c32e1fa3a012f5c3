"""New data with its targets as a data set to judge a network on: every row of it is a test row.

Shape letters: N rows, F features, W window, H horizon, K target quantities.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from pellucid.data import Classes, Dataset, Itself, Labels, Masks, Preprocessing, Several, Source, Target, Values
from pellucid.data.arrays import npz
from pellucid.data.arrays.torch_datasets import gather
from pellucid.data.dataset import Samples
from pellucid.data.images.images import ImagePreprocessing
from pellucid.data.images.masks import holds_masks, read_masked
from pellucid.data.masks import from_whole_numbers
from pellucid.data.series.preprocessing import SeriesPreprocessing
from pellucid.data.targets import label_name
from pellucid.errors import DataError
from pellucid.shapes import Shape


def new_rows(
    source: object, preprocessing: Preprocessing, target: Target, input_shape: Shape
) -> tuple[Dataset, tuple[str, ...]]:
    """Read new data as a run learned to, and return it with what its rows are called.

    Args:
        source: whatever the kind of data reads, targets included; a series holds its own.
        preprocessing: of the run.
        target: of the run.
        input_shape: of the run's network.

    Raises:
        DataError: it cannot be read, or there are no targets, or others than the network learned.
    """
    if isinstance(source, TorchDataset | DataLoader):
        gathered = gather(source, needs_targets=not isinstance(target, Itself))
        source = gathered.inputs if gathered.targets is None else (gathered.inputs, gathered.targets)
    samples = _masked(source, preprocessing, target) or _paired(source, preprocessing, target)
    samples = samples or preprocessing.read(source)
    if isinstance(preprocessing, SeriesPreprocessing):
        samples = _with_what_followed(samples, preprocessing.horizon)
    if isinstance(target, Itself):
        samples = dataclasses.replace(samples, targets=torch.empty(len(samples.inputs), 0))
    if samples.targets is None or (isinstance(target, Masks) and samples.targets.ndim != 3):
        reasons = [note for note in samples.notes if note.startswith("target")]
        raise DataError(
            "there is nothing to judge the predictions by",
            expected="a target for every row" + (f": one of {_listed(target)}" if isinstance(target, Classes) else ""),
            received=reasons[0] if reasons else "inputs only",
            advice="pellucid predict says what the network makes of inputs without targets",
        )
    rows = torch.arange(len(samples.inputs))
    dataset = Dataset(
        name="new data",
        source=Source("memory", "", ""),
        inputs=samples.inputs,
        targets=samples.targets,
        rows={"train": rows[:0], "validation": rows[:0], "test": rows},
        input_shape=input_shape,
        target=target,
        preprocessing=preprocessing,
        notes=samples.notes,
    )
    return dataset, tuple(samples.names)


def _masked(source: object, preprocessing: Preprocessing, target: Target) -> Samples | None:
    """Return a folder of images and masks; None where the source is something else."""
    if not isinstance(target, Masks) or not isinstance(preprocessing, ImagePreprocessing):
        return None
    folder = Path(source) if isinstance(source, str | Path) else None
    return read_masked(folder, preprocessing, target) if folder is not None and holds_masks(folder) else None


def _paired(source: object, preprocessing: Preprocessing, target: Target) -> Samples | None:
    """Return arrays that come as a pair (X, y) or in a file of arrays; None where the source is something else.

    Raises:
        DataError: inputs and targets differ in number, or the targets are not those learned.
    """
    of_arrays = isinstance(source, str | Path) and Path(source).suffix in {".npz", ".npy"}
    is_pair = isinstance(source, tuple) and len(source) == 2
    if preprocessing.kind not in {"array", "image"} or not (of_arrays or is_pair):
        return None
    inputs, targets = npz.read_new(source)
    samples = preprocessing.read(inputs)
    if targets is None or isinstance(target, Itself):
        return samples
    if isinstance(target, Several):
        return dataclasses.replace(samples, targets=_side_by_side(targets, target, len(samples.inputs)))
    raw = _as_many(targets, len(samples.inputs))
    stored = (
        from_whole_numbers(raw, samples.inputs.shape, target.names)[0]
        if isinstance(target, Masks)
        else _stored(raw, target)
    )
    return dataclasses.replace(samples, targets=stored)


def _as_many(targets: object, count: int) -> NDArray[Any]:
    """Return targets as an array.

    Raises:
        DataError: they are not as many as the inputs.
    """
    raw = np.asarray(targets)
    if len(raw) != count:
        raise DataError(
            "inputs and targets differ in number",
            expected=f"{count:,} targets, one for each sample",
            received=f"{len(raw):,}",
        )
    return raw


def _side_by_side(targets: object, several: Several, count: int) -> Tensor:
    """Return several targets by name as they are stored.

    Raises:
        DataError: no mapping of the names learned.
    """
    if not isinstance(targets, Mapping) or not several.parts.keys() <= targets.keys():
        raise DataError(
            "these targets are not those learned",
            expected="a mapping of " + ", ".join(several.parts),
            received=", ".join(map(str, targets)) if isinstance(targets, Mapping) else type(targets).__name__,
        )
    stored = [_stored(_as_many(targets[name], count), part) for name, part in several.parts.items()]
    return torch.cat([each.reshape(count, -1).float() for each in stored], 1)


def _with_what_followed(samples: Samples, horizon: int) -> Samples:
    """Return the windows of a series that the series goes on after, with the values that follow as their targets.

    The last step of a later window is the value that follows: a window's first feature is the one forecast, and
    targets are standardised as it is.

    Raises:
        DataError: nothing follows any window.
    """
    last_N = samples.inputs[:, 0, -1]
    count = len(last_N) - horizon
    if count < 1:
        raise DataError(
            "the series ends before there is anything to judge a forecast by",
            expected=f"at least {samples.inputs.shape[-1] + horizon} steps",
            received=f"{samples.inputs.shape[-1] + len(last_N) - 1} steps",
        )
    targets_NH = last_N[1:].unfold(0, horizon, 1).contiguous()
    return Samples(samples.inputs[:count], samples.names[:count], targets_NH, samples.notes)


def _stored(raw: NDArray[Any], target: Target) -> Tensor:
    """Return targets as arrays hold them in the form they are stored in.

    Raises:
        DataError: other classes than learned, or another number of quantities.
    """
    if isinstance(target, Classes):
        return _indices(raw, target)
    assert isinstance(target, Values | Labels)
    values_NK = raw.reshape(len(raw), -1)
    if values_NK.shape[1] != len(target.names) or values_NK.dtype.kind not in "biuf":
        raise DataError(
            "these targets are not those learned",
            expected=f"{_counted(len(target.names), 'number')} a row: {', '.join(target.names[:12])}",
            received=f"{values_NK.shape[1]} of {values_NK.dtype} a row",
        )
    if isinstance(target, Labels):
        if not ((values_NK == 0) | (values_NK == 1)).all():
            raise DataError("labels apply or do not", expected="zeros and ones", received=str(np.unique(values_NK)[:8]))
        return torch.from_numpy(values_NK.astype(np.float32))
    stored_NK = (values_NK.astype(np.float64) - target.mean) / np.array(target.scale)
    return torch.from_numpy(stored_NK.astype(np.float32))


def _indices(raw: NDArray[Any], classes: Classes) -> Tensor:
    """Return the class index of each label: a class's name, its number where the classes have names, or one-hot."""
    one_hot = raw.ndim == 2 and raw.shape[1] == len(classes.names) > 1
    words = [label_name(label) for label in (raw.argmax(1) if one_hot else raw.reshape(-1)).tolist()]
    places = {name: index for index, name in enumerate(classes.names)}
    if one_hot or not places.keys() & {*words}:
        places |= {str(index): index for index in range(len(classes.names))}
    unknown = sorted({*words} - places.keys())
    if unknown:
        raise DataError(
            "there are classes that the network did not learn",
            expected=_listed(classes),
            received=", ".join(unknown[:8]),
        )
    return torch.tensor([places[word] for word in words])


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _listed(classes: Classes) -> str:
    names = classes.names
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
