"""Any torch `Dataset` or `DataLoader`, gone through once and kept as tensors."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil
import torch
from torch import Tensor
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    TensorDataset,
)
from torch.utils.data import Dataset as TorchDataset

from pellucid.data import progress
from pellucid.data.arrays.arrays import from_arrays, from_inputs
from pellucid.data.dataset import WITHOUT_TARGET, Dataset
from pellucid.errors import DataError
from pellucid.recipe import DataOptions

TorchData = TorchDataset[Any] | DataLoader[Any]

_MOST = 10_000_000
"""Samples an iterable data set may have; one that gives more is taken for endless."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a data set or a loader gives.

    Attributes:
        name: of the data set.
        inputs: of all samples, (N, ...).
        targets: of all samples; None where none were wanted.
        class_names: where the data set tells them.
        notes: what is to be known of how it was gone through.
    """

    name: str
    inputs: Tensor
    targets: Any | None
    class_names: tuple[str, ...] | None
    notes: tuple[str, ...] = ()


def load_torch_data(source: TorchData, options: DataOptions) -> Dataset:
    """Load a torch `Dataset` or `DataLoader` of `(input, target)` samples; its transforms run once.

    Raises:
        DataError: one that is empty or endless, samples that are no pairs or differ in shape, a loader that repeats
            or leaves out samples.
    """
    gathered = gather(source, needs_targets=options.task not in WITHOUT_TARGET)
    if gathered.targets is None:
        return from_inputs(gathered.name, gathered.inputs, options, notes=gathered.notes)
    return from_arrays(
        gathered.name, gathered.inputs, gathered.targets, options,
        class_names=gathered.class_names, notes=gathered.notes,
    )  # fmt: skip


def gather(source: TorchData, *, needs_targets: bool = True) -> Gathered:
    """Return all samples of a data set or a loader, in the data set's order.

    Args:
        source: map-style or iterable, of `(input, target)`; or a loader, as it batches and collates.
        needs_targets: whether targets are wanted; else samples may be inputs alone, and targets are left out.

    Raises:
        DataError: as `load_torch_data`.
    """
    dataset = source.dataset if isinstance(source, DataLoader) else source
    name = type(dataset).__name__.lower()
    classes = getattr(dataset, "classes", None)
    named = isinstance(classes, list | tuple) and all(isinstance(label, str) for label in classes)
    class_names = tuple(classes) if named and classes else None
    if isinstance(source, DataLoader):
        inputs, targets = _joined(_batches(source), needs_targets=needs_targets)
        notes = ("the loader's batches were gone through once; each epoch of a training is shuffled anew",)
        return Gathered(name, inputs, targets, class_names, notes)
    if isinstance(source, TensorDataset) and len(source.tensors) == 2:
        return Gathered(name, source.tensors[0], source.tensors[1] if needs_targets else None, class_names)
    return Gathered(name, *_stacked(_samples(source), needs_targets=needs_targets), class_names)


def _samples(source: TorchDataset[Any]) -> Iterator[Any]:
    """Yield the samples of a data set in its order."""
    if isinstance(source, IterableDataset):
        yield from _ending(source)
        return
    if not hasattr(source, "__len__"):
        raise DataError(
            "a data set without a length cannot be gone through",
            expected="a map-style torch Dataset, with __len__ and __getitem__, or an IterableDataset that ends",
            received=type(source).__name__,
        )
    for index in range(len(source)):
        yield source[index]


def _ending(source: Iterable[Any]) -> Iterator[Any]:
    """Yield what an iterable data set gives.

    Raises:
        DataError: it goes on and on.
    """
    yield from itertools.islice(samples := iter(source), _MOST)
    if next(samples, None) is not None:
        raise DataError(
            f"the data set gives more than {_MOST:,} samples",
            expected="one that ends: its samples are kept, split and gone through again each epoch",
            received=type(source).__name__,
            advice="end it after as many as you want: yield from itertools.islice(samples, 100_000)",
        )


def _stacked(samples: Iterator[Any], *, needs_targets: bool) -> tuple[Tensor, Any | None]:
    """Return the inputs and targets of samples one by one."""
    inputs: list[Tensor] = []
    targets: list[Any] = []
    room = _Room()
    for index, sample in enumerate(samples):
        given, target = _pair(sample, f"sample {index}", needs_targets=needs_targets)
        inputs.append(_as_tensor(given, f"the input of sample {index}"))
        targets.append(target.tolist() if isinstance(target, Tensor | np.ndarray | np.generic) else target)
        if inputs[-1].shape != inputs[0].shape:
            raise DataError(
                f"sample {index} has another shape than sample 0",
                expected=str(tuple(inputs[0].shape)),
                received=str(tuple(inputs[-1].shape)),
                advice="resize, pad or cut the samples to one shape in the data set's transform",
            )
        room.take(inputs[-1], 1)
    _refuse_none(inputs)
    return torch.stack(inputs), _targets(targets) if needs_targets else None


def _joined(batches: Iterator[Any], *, needs_targets: bool) -> tuple[Tensor, Any | None]:
    """Return the inputs and targets of a loader's batches."""
    inputs: list[Tensor] = []
    targets: list[Any] = []
    room = _Room()
    for number, batch in enumerate(batches):
        given, target = _pair(batch, f"batch {number}", needs_targets=needs_targets)
        inputs.append(_as_tensor(given, f"the inputs of batch {number}"))
        targets.append(target)
        if inputs[-1].shape[1:] != inputs[0].shape[1:]:
            raise DataError(
                f"the samples of batch {number} have another shape than those of batch 0",
                expected=str(tuple(inputs[0].shape[1:])),
                received=str(tuple(inputs[-1].shape[1:])),
                advice="let collate_fn pad every batch to the same length, not to its own longest sample",
            )
        count = _count(target)
        if count is not None and count != len(inputs[-1]):
            raise DataError(
                f"inputs and targets of batch {number} differ in number",
                expected=f"{len(inputs[-1])} targets, one for each sample",
                received=f"{count}",
                advice="collate_fn returns (inputs, targets), with the samples along the first axis of both",
            )
        room.take(inputs[-1], len(inputs[-1]))
    _refuse_none(inputs)
    return torch.cat(inputs), _all_targets(targets) if needs_targets else None


def _batches(loader: DataLoader[Any]) -> Iterator[Any]:
    """Yield a loader's batches in its data set's order, as it collates them, with its workers.

    Raises:
        DataError: it does not batch, or draws samples so that some come twice or not at all.
    """
    if loader.batch_size is None:
        what = "does not batch" if loader.batch_sampler is None else "makes batches by a rule of its own"
        raise _unlike_an_epoch(f"a loader that {what} cannot be gone through", "one with a batch_size", loader)
    if isinstance(loader.dataset, IterableDataset):
        yield from _ending(loader)
        return
    yield from DataLoader(
        loader.dataset,
        batch_size=loader.batch_size,
        sampler=_order(loader),
        collate_fn=loader.collate_fn,
        num_workers=loader.num_workers,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
        timeout=loader.timeout,
        generator=torch.Generator().manual_seed(0),  # else it draws the seed of its workers from the user's
    )


def _order(loader: DataLoader[Any]) -> Sequence[int]:
    """Return the samples that a loader goes through in an epoch, in the data set's order."""
    sampler = loader.sampler
    count = len(loader.dataset)  # type: ignore[arg-type]  # of the map-style, which have one
    shuffles = type(sampler) is RandomSampler and not sampler.replacement and sampler.num_samples == count
    if type(loader.batch_sampler) is BatchSampler and (type(sampler) is SequentialSampler or shuffles):
        return range(count)
    if type(loader.batch_sampler) is BatchSampler and type(sampler) is SubsetRandomSampler:
        return list(sampler.indices)
    raise _unlike_an_epoch(
        "a loader that draws its samples by a rule of its own cannot be gone through once and for all",
        "each sample once an epoch: shuffle, or a SubsetRandomSampler",
        loader,
    )


def _unlike_an_epoch(message: str, expected: str, loader: DataLoader[Any]) -> DataError:
    sampler = type(loader.batch_sampler if loader.batch_size is None else loader.sampler).__name__
    return DataError(
        message,
        expected=expected,
        received=f"batch_size={loader.batch_size}, {sampler}",
        advice="pass the data set itself, loader.dataset: pellucid splits, batches and shuffles it",
    )


class _Room:
    """The memory that samples are gathered into.

    Raises:
        DataError: there is no more of it.
    """

    def __init__(self) -> None:
        self._free = psutil.virtual_memory().available // 2  # they are joined in the end, which takes as much again
        self._bytes = 0
        self._samples = 0

    def take(self, tensor: Tensor, samples: int) -> None:
        """Count samples that were kept."""
        self._bytes += tensor.nbytes
        self._samples += samples
        progress.report("samples", self._samples, None)
        if self._bytes > self._free:
            raise DataError(
                "the data set does not fit into memory",
                expected=f"at most {self._free / 1e9:.3g} GB of inputs, half of what is free",
                received=f"more, with {self._samples:,} samples",
                advice="take fewer samples, or smaller ones; of an endless data set as many as you want",
            )


def _refuse_none(inputs: list[Tensor]) -> None:
    if not inputs:
        raise DataError("the data set is empty", expected="samples", received="none")


def _pair(sample: object, what: str, *, needs_targets: bool) -> tuple[object, Any]:
    """Return the input and the target of a sample or of a batch, None for a target that there is not."""
    received, advice = type(sample).__name__, ""
    match sample:
        case [given, target]:
            return given, target
        case [given] if not needs_targets:
            return given, None
        case Mapping():
            received = f"{received} of {', '.join(map(str, sample))}"
            advice = "make it one in the data set, or in the loader's collate_fn: (batch['image'], batch['label'])"
        case tuple() | list():
            received = f"{received} of {len(sample)}"
        case _ if not needs_targets:
            return sample, None
    raise DataError(f"{what} is no pair of input and target", expected="(input, target)", received=received,
                    advice=advice)  # fmt: skip


def _as_tensor(sample: object, what: str) -> Tensor:
    if isinstance(sample, Tensor):
        return sample
    array = np.asarray(sample)  # a Pillow image becomes (H, W) or (H, W, C) bytes
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"{what} is neither a tensor nor numbers",
            expected="a tensor, an array, a number or an image",
            received=type(sample).__name__,
            advice="turn it into a tensor in the data set's transform",
        )
    return torch.from_numpy(np.array(array))


def _count(target: object) -> int | None:
    """Return how many samples the targets of a batch are of; None where they do not say."""
    if isinstance(target, Mapping):
        return _count(next(iter(target.values()), None))
    return len(target) if isinstance(target, Tensor | np.ndarray | list | tuple) and np.ndim(target) else None


def _all_targets(batches: list[Any]) -> Any:
    """Return the targets of all batches as one, by name where they are."""
    if isinstance(batches[0], Mapping):
        return {name: _all_targets([batch[name] for batch in batches]) for name in batches[0]}
    if all(isinstance(batch, Tensor) for batch in batches):
        return torch.cat(batches)
    return _targets([target for batch in batches for target in batch])


def _targets(targets: list[Any]) -> Any:
    if isinstance(targets[0], Mapping):
        return {name: _targets([target[name] for target in targets]) for name in targets[0]}
    try:
        return np.asarray([each.tolist() if isinstance(each, Tensor) else each for each in targets])
    except ValueError:
        raise DataError("the targets differ in shape", expected="one class, or as many numbers, a sample") from None
