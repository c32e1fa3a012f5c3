"""Arrays and tensors `(X, y)`: rows, sequences and images that are already numbers.

Shape letters: N samples, B batch, F features, T time, C channels, H height, W width, K target quantities.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.data import fingerprint, masks, spread
from pellucid.data.arrays import layouts, npz, numbers
from pellucid.data.arrays.answers import answers_of_several, read_answers
from pellucid.data.arrays.layouts import Layout
from pellucid.data.dataset import (
    WITHOUT_TARGET,
    Classes,
    Dataset,
    Itself,
    Preprocessing,
    Samples,
    Source,
    SplitName,
    Target,
)
from pellucid.data.images.images import ImagePreprocessing
from pellucid.data.split import duplicates_note, split_rows
from pellucid.errors import DataError
from pellucid.recipe import DataOptions

_ROWS_AT_ONCE = 4096
_FARTHEST = 1e15  # standard deviations; a network squares and sums, and float32 ends at 3.4e38

_ROUNDING = 1e-13  # of a number in double precision, after a few operations


@dataclass(frozen=True, slots=True)
class ArrayPreprocessing(Preprocessing):
    """Stored numbers to standardised ones: (x - mean) / scale, a feature (rows, sequences) or a channel (images).

    Attributes:
        layout: what the axes of a source mean.
        dimensions: shape of one stored sample.
        mean: of each feature or channel over the training samples.
        scale: standard deviation over the training samples; 1 where it is 0.
    """

    kind: ClassVar[str] = "array"

    layout: Layout
    dimensions: tuple[int, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    _mean: Tensor = field(init=False, repr=False, compare=False)
    _scale: Tensor = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make the tensors that every batch needs once."""
        broadcast = _broadcast(1 + len(self.dimensions))
        object.__setattr__(self, "_mean", torch.tensor(self.mean, dtype=self.precision).reshape(broadcast))
        object.__setattr__(self, "_scale", torch.tensor(self.scale, dtype=self.precision).reshape(broadcast))

    @property
    def precision(self) -> torch.dtype:
        """What numbers are stored and standardised in: float64 where float32 would round away what varies in them."""
        return spread.precision(self.mean, self.scale)

    @classmethod
    def fit(cls, stored: Tensor, rows: Tensor, layout: Layout) -> "ArrayPreprocessing":
        """Measure mean and standard deviation over `rows`, in double precision, in two passes over chunks."""
        axis = _feature_axis(stored.ndim)
        others = [other for other in range(stored.ndim) if other != axis]
        count = len(rows) * stored[0].numel() / stored.shape[axis]
        chunks = rows.split(_ROWS_AT_ONCE)
        mean = torch.stack([stored[chunk].double().sum(others) for chunk in chunks]).sum(0) / count
        centre = mean.reshape(_broadcast(stored.ndim))
        low = torch.stack([stored[chunk].amin(others) for chunk in chunks]).amin(0).double()
        high = torch.stack([stored[chunk].amax(others) for chunk in chunks]).amax(0).double()
        # a feature that never changes says nothing: leave it at 0 instead of dividing by 0 (or by rounding errors)
        varies = high - low > _ROUNDING * torch.maximum(high.abs(), low.abs())
        # the square of 1e-200 is 0, so what is squared is first divided by a power of two, which is exact
        unit = torch.where(varies, torch.ldexp(torch.ones_like(low), torch.frexp(high - low).exponent), 1.0)
        units = unit.reshape(centre.shape)
        squares = torch.stack(
            [((stored[chunk].double() - centre) / units).square().sum(others) for chunk in chunks]
        ).sum(0)
        scale = torch.where(varies, (squares / count).sqrt() * unit, 1.0)
        return cls(layout, tuple(stored.shape[1:]), tuple(mean.tolist()), tuple(scale.tolist()))

    def prepare(self, stored: Tensor) -> Tensor:
        """Return float32 of the same shape, standardised, on the same device."""
        apart = stored.to(self.precision) - self._mean.to(stored.device)
        return apart.div_(self._scale.to(stored.device)).float()

    def restore(self, prepared: Tensor) -> Tensor:
        """Return numbers of the same shape in the units of the source, prepared * scale + mean."""
        return prepared.to(self.precision) * self._scale.to(prepared.device) + self._mean.to(prepared.device)

    def refuse_far_off(self, stored: Tensor) -> None:
        """Refuse inputs so far from those trained on that their sums in a network could be infinite.

        Raises:
            DataError: a number is more than 1e15 standard deviations from the training samples' mean.
        """
        axis = _feature_axis(stored.ndim)
        others = [other for other in range(stored.ndim) if other != axis]
        extremes = torch.cat([stored.amin(others, keepdim=True), stored.amax(others, keepdim=True)])
        farthest = float(self.prepare(extremes).abs().max())
        if not farthest <= _FARTHEST:
            raise DataError(
                "some inputs are too far from those trained on",
                expected=f"at most {_FARTHEST:.0e} standard deviations from their mean",
                received=f"{farthest:.3g} standard deviations",
                advice="are they in the same units, and was nothing used to mark missing numbers?",
            )

    def read(self, source: object) -> Samples:
        """Read an array, a tensor, an `.npy` or `.npz` file of one or many samples, with or without targets.

        Raises:
            DataError: another shape than the training samples', or numbers that are not finite.
        """
        inputs, targets = npz.read_new(source)
        raw = numbers.as_tensor(inputs, "inputs")
        # a single sample lacks the first axis
        raw_axes = {"scalars": 1, "features": 2, "sequences": 3, "grey images": 3}.get(self.layout, 4)
        if raw.ndim == raw_axes - 1:
            raw = raw[None]
        fits = raw.ndim == raw_axes
        stored = layouts.arrange(raw, self.layout) if fits else raw
        if not fits or tuple(stored.shape[1:]) != self.dimensions:
            raise DataError(
                "these inputs have another shape than the training samples",
                expected=f"samples of {' x '.join(map(str, self.dimensions))}, {self.layout}",
                received=" x ".join(map(str, raw.shape)),
            )
        if not len(stored):
            raise DataError("there are no samples to predict for", expected="at least one", received="none")
        numbers.refuse_non_finite(stored, "inputs")
        stored = numbers.storable(stored, self.precision)
        self.refuse_far_off(stored)
        names = [f"sample {number}" for number in range(len(stored))]
        return Samples(stored, names, None if targets is None else torch.as_tensor(np.asarray(targets)))

    def to_json(self) -> dict[str, Any]:
        """Return the fields, and the precision they ask for, which readers without pellucid do not work out again."""
        return {
            "layout": self.layout,
            "dimensions": list(self.dimensions),
            "mean": list(self.mean),
            "scale": list(self.scale),
            "precision": str(self.precision).removeprefix("torch."),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "ArrayPreprocessing":
        """Return what `to_json` described."""
        return cls(document["layout"], tuple(document["dimensions"]), tuple(document["mean"]), tuple(document["scale"]))


def from_arrays(  # noqa: PLR0913 (what the caller knows beforehand, all by name)
    name: str,
    inputs: object,
    targets: object,
    options: DataOptions,
    *,
    source: Source | None = None,
    test_rows: Tensor | None = None,
    class_names: Sequence[str] | None = None,
    target_names: Sequence[str] | None = None,
    notes: tuple[str, ...] = (),
) -> Dataset:
    """Return the data set of arrays, tensors or nested lists.

    Args:
        name: of the data set.
        inputs: (N,), (N, F), (N, T, F), (N, H, W) bytes, (N, H, W, C) or (N, C, H, W).
        targets: (N,) whole numbers or words (classes), or (N,) or (N, K) quantities; one-hot rows are classes, other
            rows of zeros and ones labels; whole numbers (N, H, W), as high and wide as the images, are a class for
            every pixel; a mapping of names to any but the last is several tasks.
        options: how to split; `task` decides between classes and quantities.
        source: where the arrays came from (default: memory).
        test_rows: rows of a given test set.
        class_names: names of the classes 0, 1, ... that the targets index.
        target_names: names of the K quantities.
        notes: what is known already.

    Raises:
        DataError: shapes that do not fit, numbers that are not finite, nothing to predict.
    """
    if options.task in WITHOUT_TARGET:
        options = replace(options, task=None)
    raw = numbers.as_tensor(inputs, "inputs")
    by_name = targets if isinstance(targets, Mapping) else {"": targets}
    several = {str(key): numbers.as_array(each) for key, each in by_name.items()}
    for each in several.values():
        _refuse_unpaired(raw, each)
    raw_targets = None if isinstance(targets, Mapping) else several[""]
    masked = raw_targets is not None and masks.are_masks(raw.shape, raw_targets, options.task)
    stored, layout = _arranged(raw, inputs, masked=masked)
    notes = (*notes, layouts.note(raw, layout))
    target: Target
    if raw_targets is not None and masked:
        rows = split_rows(len(stored), options, test_rows=test_rows)
        stored_targets, target = masks.from_whole_numbers(raw_targets, stored.shape, class_names)
        notes += masks.absent_note(stored_targets, target, rows["train"])
    else:
        if raw_targets is None:
            answers = answers_of_several(several, options)
        else:
            answers = read_answers(raw_targets, options, class_names=class_names, target_names=target_names)
        rows = split_rows(len(stored), options, labels=answers.strata, test_rows=test_rows)
        stored_targets, target = answers.fit(rows["train"])
        notes += (*answers.notes, *answers.rare(rows))
    return _of(name, stored, layout, stored_targets, target, rows, source=source, notes=notes)


def from_inputs(
    name: str,
    inputs: object,
    options: DataOptions,
    *,
    source: Source | None = None,
    test_rows: Tensor | None = None,
    notes: tuple[str, ...] = (),
) -> Dataset:
    """Return the data set of inputs without targets, for a task that needs none; arguments as of `from_arrays`.

    Raises:
        DataError: a shape that cannot be read, numbers that are not finite.
    """
    assert options.task is not None, "the task says that there is no target"
    raw = numbers.as_tensor(inputs, "inputs")
    _refuse_empty("inputs", tuple(raw.shape))
    stored, layout = _arranged(raw, inputs)
    rows = split_rows(len(stored), options, test_rows=test_rows)
    notes = (*notes, layouts.note(raw, layout))
    nothing = torch.empty(len(stored), 0)
    return _of(name, stored, layout, nothing, Itself(options.task), rows, source=source, notes=notes)


def _arranged(raw: Tensor, inputs: object, *, masked: bool = False) -> tuple[Tensor, Layout]:
    """Return the inputs as they are stored, and how their axes were read; of those with masks never as sequences."""
    layout = layouts.recognise(raw, prefer="channels first" if isinstance(inputs, Tensor) else "channels last")
    if masked and layout == "sequences":
        layout = "grey images"
    arranged = layouts.arrange(raw, layout)
    numbers.refuse_non_finite(arranged, "inputs")
    return arranged, layout


def _of(  # noqa: PLR0913 (what a data set is made of)
    name: str,
    stored: Tensor,
    layout: Layout,
    targets: Tensor,
    target: Target,
    rows: Mapping[SplitName, Tensor],
    *,
    source: Source | None,
    notes: tuple[str, ...],
) -> Dataset:
    """Return the data set of stored inputs and targets, with the preprocessing that its training rows ask for."""
    shape = layouts.shape_of(stored)
    stored, preprocessing = _fitted(stored, rows["train"], layout, target.names if isinstance(target, Classes) else ())
    labels = () if isinstance(target, Itself) else (targets,)
    return Dataset(
        name=name,
        source=source or Source("memory", name, fingerprint.of_tensors(stored, *labels)),
        inputs=stored,
        targets=targets,
        rows=rows,
        input_shape=shape,
        target=target,
        preprocessing=preprocessing,
        notes=notes + duplicates_note(stored, rows, *labels),
    )


def _refuse_unpaired(raw: Tensor, raw_targets: NDArray[Any]) -> None:
    _refuse_empty("inputs", tuple(raw.shape))
    _refuse_empty("targets", raw_targets.shape)
    if len(raw_targets) != len(raw):
        raise DataError(
            "inputs and targets differ in number",
            expected=f"{len(raw):,} targets, one for each sample",
            received=f"{len(raw_targets):,} targets",
        )


def _refuse_empty(what: str, shape: tuple[int, ...]) -> None:
    if not shape or not all(shape):
        raise DataError(
            f"the {what} are empty" if shape else f"the {what} are a single number",
            expected="samples along the first axis, (N, ...)",
            received=f"shape {shape}",
        )


def _fitted(stored: Tensor, rows: Tensor, layout: Layout, classes: Sequence[str]) -> tuple[Tensor, Preprocessing]:
    """Return the inputs as they are stored and their preprocessing: images of bytes are kept as files' pixels are."""
    # a plain (N, H, W) stays an array, so that new data can come in the same three axes
    as_bytes = layouts.as_pixels(numbers.storable(stored)) if layout in ("channels first", "channels last") else None
    if as_bytes is None:
        preprocessing = ArrayPreprocessing.fit(stored, rows, layout)
        stored = numbers.storable(stored, preprocessing.precision)
        preprocessing.refuse_far_off(stored)
        return stored, preprocessing
    return as_bytes, ImagePreprocessing.fit(as_bytes, rows, classes)


def load_npz(path: Path, options: DataOptions) -> Dataset:
    """Load an `.npz` file of inputs and targets, and the given test set where it has one.

    Raises:
        DataError: no pair of keys that means inputs and targets, or arrays that do not fit.
    """
    source = Source("npz", str(path.resolve()), fingerprint.of_file(path))
    name = path.stem
    if options.task in WITHOUT_TARGET:
        found = npz.read_inputs(path)
        return from_inputs(name, found.inputs, options, source=source, test_rows=found.test_rows, notes=found.notes)
    found = npz.read(path)
    return from_arrays(
        name, found.inputs, found.targets, options, source=source, test_rows=found.test_rows, notes=found.notes
    )


def _feature_axis(axes: int) -> int:
    """Return the axis that is standardised: channels of (N, C, H, W), features of (N, F) and (N, T, F)."""
    return 1 if axes == 4 else axes - 1


def _broadcast(axes: int) -> tuple[int, ...]:
    return tuple(-1 if axis == _feature_axis(axes) else 1 for axis in range(axes))
