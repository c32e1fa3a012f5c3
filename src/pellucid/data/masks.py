"""Masks, a class for every pixel: whole numbers in arrays, or the pixels of files, become indices into the classes.

Shape letters: N images, C channels, H height, W width, K colours.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.data.dataset import Masks
from pellucid.errors import DataError

MOST_CLASSES = 256  # what a byte can tell apart


def are_masks(inputs_shape: Sequence[int], targets: NDArray[Any], task: str | None) -> bool:
    """Say whether targets of arrays are masks: asked for, or whole numbers (N, H, W) as high and wide as the images."""
    if task == "segmentation":
        return True
    sides = (tuple(inputs_shape[1:3]), tuple(inputs_shape[2:4]))
    whole = targets.dtype.kind in "iub"
    return task is None and targets.ndim == 3 and whole and len(inputs_shape) in (3, 4) and targets.shape[1:] in sides


def from_whole_numbers(
    values: NDArray[Any], stored_shape: Sequence[int], names: Sequence[str] | None
) -> tuple[Tensor, Masks]:
    """Return masks of whole numbers 0, 1, ... as they are stored, uint8 (N, H, W), and their classes.

    Args:
        values: (N, H, W).
        stored_shape: of the images as they are stored, (N, C, H, W).
        names: of the classes 0, 1, ...; by default their numbers, up to the largest there is.

    Raises:
        DataError: another shape than the images', no whole numbers, or numbers that are no class's.
    """
    if len(stored_shape) != 4:
        raise DataError("masks belong to images", expected="images (N, H, W, C)", received=str(tuple(stored_shape)))
    if values.shape[1:] != tuple(stored_shape[2:]):
        raise DataError(
            "the masks have another shape than the images",
            expected=f"({stored_shape[0]}, {stored_shape[2]}, {stored_shape[3]}), a class for every pixel",
            received=str(values.shape),
        )
    if values.dtype.kind not in "iubf" or not bool((values == np.round(values)).all()):
        raise DataError(
            "masks hold classes, which are whole numbers", expected="0, 1, 2, ...", received=f"{values.dtype}"
        )
    low, high = int(values.min()), int(values.max())
    count = len(names) if names is not None else high + 1
    if low < 0 or high >= count or count > MOST_CLASSES:
        raise DataError(
            "a mask holds a number that is no class's",
            expected=f"0 to {min(count, MOST_CLASSES) - 1}",
            received=f"{low} to {high}",
            advice="number the classes 0, 1, 2, ... without gaps",
        )
    stored_NHW = torch.from_numpy(values.astype(np.uint8))
    return stored_NHW, of_classes(tuple(names or map(str, range(count))))


def of_classes(names: tuple[str, ...]) -> Masks:
    """Return the target of such classes.

    Raises:
        DataError: fewer than two.
    """
    if len(names) < 2:
        raise DataError(
            "there is nothing to tell apart: every pixel is of one class",
            expected="masks of at least two classes",
            received=", ".join(names) or "none",
        )
    return Masks(names)


def absent_note(stored_NHW: Tensor, target: Masks, train: Tensor) -> tuple[str, ...]:
    """Return a note on the classes no training pixel has, and what most pixels are."""
    counts_K = torch.zeros(len(target.names), dtype=torch.int64)
    for rows in train.split(256):
        counts_K += torch.bincount(stored_NHW[rows].flatten().long(), minlength=len(target.names))
    share, place = float(counts_K.max() / counts_K.sum()), int(counts_K.argmax())
    notes: tuple[str, ...] = (f"masks: {share:.1%} of the training pixels are '{target.names[place]}'",)
    absent = [name for name, count in zip(target.names, counts_K.tolist(), strict=True) if not count]
    if absent:
        listed = ", ".join(absent[:8]) + (f" and {len(absent) - 8} more" if len(absent) > 8 else "")
        notes += (f"rare classes: no training pixel is {listed}",)
    return notes
