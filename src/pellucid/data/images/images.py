"""Images: folders of files by class become stored uint8 pixels, standardised by batch.

Shape letters: N images, B batch, C channels (1 grey, 3 RGB), H height, W width.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from PIL import Image as PillowImage
from torch import Tensor

from pellucid.data.dataset import (
    WITHOUT_TARGET,
    Classes,
    Dataset,
    Itself,
    Masks,
    Preprocessing,
    Samples,
    Source,
    SplitName,
)
from pellucid.data.images import decoding, pixels
from pellucid.data.images import files as image_files
from pellucid.data.split import SPLITS, duplicates_note, rare_classes_note, split_rows
from pellucid.errors import DataError
from pellucid.recipe import DataOptions
from pellucid.shapes import Image

_VALUES_AT_ONCE = 1 << 20  # what stays in the cache of the processor: three times as fast as 1 << 24
_MOST_MEASURED = 1 << 30
# rounding leaves a deviation of up to 4e-6 where there is none; one pixel of 2**30 that differs by 1 makes one of 3e-5
_CONSTANT = 1e-5


@dataclass(frozen=True, slots=True)
class ImagePreprocessing(Preprocessing):
    """Stored uint8 pixels to standardised numbers: (x / 255 - mean) / std, a channel at a time.

    Attributes:
        height: of every image.
        width: of every image.
        channels: 1 grey, 3 RGB.
        mean: of each channel over the training images, in 0..1.
        std: standard deviation of each channel over the training images; 1 where a channel is constant.
        classes: names of the classes, to recognise class folders in new data.
    """

    kind: ClassVar[str] = "image"

    height: int
    width: int
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    classes: tuple[str, ...] = ()
    _mean: Tensor = field(init=False, repr=False, compare=False)
    _scale: Tensor = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make the tensors that every batch needs once."""
        object.__setattr__(self, "_mean", torch.tensor(self.mean).mul_(255)[:, None, None])
        object.__setattr__(self, "_scale", torch.tensor(self.std).mul_(255).reciprocal_()[:, None, None])

    @classmethod
    def fit(cls, stored_NCHW: Tensor, rows: Tensor, classes: Sequence[str]) -> "ImagePreprocessing":
        """Measure mean and standard deviation of each channel over `rows`, in chunks.

        Pixels are whole numbers, whose sums are exact: the same figures in whatever order. Of more than 2**30 values
        so many are measured, of rows evenly spaced over the listing; more would not change the fourth digit.
        """
        channels, height, width = stored_NCHW.shape[1:]
        values = channels * height * width
        rows = rows[:: -(-len(rows) * values // _MOST_MEASURED)]
        sums, squares = torch.zeros(channels, dtype=torch.float64), torch.zeros(channels, dtype=torch.float64)
        for chunk in rows.split(max(1, _VALUES_AT_ONCE // values)):
            block_CN = stored_NCHW.index_select(0, chunk).transpose(0, 1).reshape(channels, -1).double()
            sums += block_CN.sum(1)
            squares += torch.linalg.vecdot(block_CN, block_CN)
        count = len(rows) * height * width
        mean = sums / count
        deviation = (squares / count - mean.square()).clamp_(min=0).sqrt_()
        # a channel that never changes says nothing: leave it at 0 instead of dividing by 0
        std = torch.where(deviation > _CONSTANT, deviation, 255.0)
        return cls(height, width, channels, tuple((mean / 255).tolist()), tuple((std / 255).tolist()), tuple(classes))

    def prepare(self, stored: Tensor) -> Tensor:
        """Return float32 (B, C, H, W) of uint8 (B, C, H, W), on the same device."""
        device = stored.device
        return stored.to(torch.float32).sub_(self._mean.to(device)).mul_(self._scale.to(device))

    def restore(self, prepared: Tensor) -> Tensor:
        """Return uint8 pixels of prepared (or generated) images, to be looked at: the inverse of `prepare`."""
        mean_C11 = prepared.new_tensor(self.mean)[:, None, None]
        std_C11 = prepared.new_tensor(self.std)[:, None, None]
        return ((prepared * std_C11 + mean_C11) * 255).round_().clamp_(0, 255).to(torch.uint8)

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        return {
            "height": self.height,
            "width": self.width,
            "channels": self.channels,
            "mean": list(self.mean),
            "std": list(self.std),
            "classes": list(self.classes),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "ImagePreprocessing":
        """Return what `to_json` described."""
        return cls(
            document["height"],
            document["width"],
            document["channels"],
            tuple(document["mean"]),
            tuple(document["std"]),
            tuple(document["classes"]),
        )

    def read(self, source: object) -> Samples:
        """Read new images into the stored form.

        Args:
            source: an image file, a folder of images (in class folders or not), a list of files, a Pillow image, an
                array (H, W), (H, W, C) or (N, H, W, C), a tensor (C, H, W) or (N, C, H, W). Arrays and tensors hold
                0..255 as whole numbers or 0..1 as floating-point ones. Other sizes are stretched to the fitted one.

        Raises:
            DataError: the source is none of these, or cannot be read.
        """
        match source:
            case str() | Path():
                folder = Path(source)
                paths, labels = image_files.find_new(folder, self.classes)
                names = [str(path.relative_to(folder)) if folder.is_dir() else str(path) for path in paths]
                return self._read_files(paths, names, labels)
            case list() | tuple() if source and all(isinstance(path, str | Path) for path in source):
                return self._read_files([Path(path) for path in source], [str(path) for path in source], None)
            case PillowImage.Image():
                stored_CHW = pixels.to_pixels(source, self.height, self.width, self.channels)
                return Samples(torch.from_numpy(stored_CHW.copy())[None], ["image"])
            case np.ndarray() | Tensor():
                images = pixels.from_array(source)
                stored = [pixels.to_pixels(image, self.height, self.width, self.channels) for image in images]
                return Samples(torch.from_numpy(np.stack(stored)), [str(number) for number in range(len(stored))])
        raise DataError(
            f"images cannot be read from {type(source).__name__}",
            expected="an image file, a folder, a list of files, a Pillow image, an array or a tensor",
            received=repr(source)[:100],
        )

    def _read_files(self, paths: list[Path], names: list[str], labels: list[int] | None) -> Samples:
        decoded = decoding.decode_new(paths, self.height, self.width, self.channels)
        targets = None if labels is None else torch.tensor(labels)[list(decoded.kept)]
        kept = [names[index] for index in decoded.kept]
        return Samples(decoded.stored, kept, targets, decoding.refused_note(decoded.refused))


def load_images(folder: Path, options: DataOptions) -> Dataset:
    """Load a folder of images by class, `folder/<class>/image.png`, the classes named by their folders.

    Folders `train`, `val` and `test` on top are taken as the splits; one that is missing is split off training.
    `options.size` sets the size of every image, `options.test` names a second folder of the same classes to test on.
    For a task without a target the images may lie in any folders, or in none.

    Raises:
        DataError: no images, no classes, too many files that are no images.
    """
    unlabelled = options.task in WITHOUT_TARGET
    listing = image_files.find_unlabelled(folder) if unlabelled else image_files.find(folder)
    if options.test is not None and not unlabelled:
        listing = image_files.with_test(listing, Path(options.test))
    height, width, notes = decoding.choose_size(listing.paths, options.size)
    decoded = decoding.decode(listing.paths, height, width, None)
    kept = torch.tensor(decoded.kept)
    labels_N = torch.tensor(listing.labels)[kept]
    digest = hashlib.sha256(repr((decoded.sha256, listing.labels, listing.classes)).encode()).hexdigest()
    name, source = folder.resolve().name, Source("images", str(folder.resolve()), digest)
    rows = given_rows([listing.splits[index] for index in decoded.kept], labels_N, options)
    notes = (*listing.notes, *notes, *decoding.refused_note(decoded.refused))
    if unlabelled:
        assert options.task is not None, "it is one of those without a target"
        targets = torch.empty(len(labels_N), 0)
        return from_pictures(name, decoded.stored, targets, Itself(options.task), rows, source, notes)
    return from_pixels(name, decoded.stored, labels_N, listing.classes, rows, source, notes)


def given_rows(
    splits: Sequence[SplitName | None], labels_N: Tensor, options: DataOptions
) -> Mapping[SplitName, Tensor]:
    """Return the rows of each split: as the folders say where they do, the missing splits cut off training."""
    given = {
        name: torch.tensor([row for row, split in enumerate(splits) if split == name], dtype=torch.int64)
        for name in SPLITS
    }
    match bool(len(given["validation"])), bool(len(given["test"])):
        case True, True:
            return given
        case False, True:
            return split_rows(len(labels_N), options, labels=labels_N, test_rows=given["test"])
        case True, False:
            # the rows given are kept out, as a test split would be; what is split off is the test split here
            rows = split_rows(len(labels_N), options, labels=labels_N, test_rows=given["validation"])
            return {"train": rows["train"], "validation": rows["test"], "test": rows["validation"]}
        case _:
            return split_rows(len(labels_N), options, labels=labels_N)


def from_pixels(
    name: str,
    stored_NCHW: Tensor,
    labels_N: Tensor,
    classes: Sequence[str],
    rows: Mapping[SplitName, Tensor],
    source: Source,
    notes: tuple[str, ...] = (),
) -> Dataset:
    """Return the data set of stored images by class.

    Args:
        name: of the data set.
        stored_NCHW: uint8, in memory or mapped.
        labels_N: int64, the class of each image.
        classes: the classes' names.
        rows: the rows of each split.
        source: where the images came from.
        notes: what is known already.
    """
    notes += duplicates_note(stored_NCHW, rows, labels_N) + rare_classes_note(labels_N, classes, rows)
    return _of(name, stored_NCHW, labels_N, Classes(tuple(classes)), rows, source, notes)


def from_pictures(
    name: str,
    stored_NCHW: Tensor,
    targets: Tensor,
    target: Masks | Itself,
    rows: Mapping[SplitName, Tensor],
    source: Source,
    notes: tuple[str, ...] = (),
) -> Dataset:
    """Return the data set of stored images whose target is no class: a mask for each, or nothing; see `from_pixels`."""
    return _of(name, stored_NCHW, targets, target, rows, source, notes + duplicates_note(stored_NCHW, rows))


def _of(
    name: str,
    stored_NCHW: Tensor,
    targets: Tensor,
    target: Classes | Masks | Itself,
    rows: Mapping[SplitName, Tensor],
    source: Source,
    notes: tuple[str, ...],
) -> Dataset:
    channels, height, width = stored_NCHW.shape[1:]
    classes = target.names if isinstance(target, Classes) else ()
    return Dataset(
        name=name,
        source=source,
        inputs=stored_NCHW,
        targets=targets,
        rows=rows,
        input_shape=Image(height, width, channels),
        target=target,
        preprocessing=ImagePreprocessing.fit(stored_NCHW, rows["train"], classes),
        notes=notes,
    )
