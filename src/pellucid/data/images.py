"""Images: folders of files by class become stored uint8 pixels, standardised by batch.

Shape letters: N images, B batch, C channels (1 grey, 3 RGB), H height, W width.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from pellucid.data.dataset import Classes, Dataset, Preprocessing, Samples, Source, SplitName
from pellucid.data.split import duplicates_note, rare_classes_note
from pellucid.shapes import Image

_ROWS_AT_ONCE = 4096


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

    @classmethod
    def fit(cls, stored_NCHW: Tensor, rows: Tensor, classes: Sequence[str]) -> "ImagePreprocessing":
        """Measure mean and standard deviation of each channel over `rows`, in chunks.

        Every pixel is one of 256 values, so counting them is exact: the same figures in whatever order.
        """
        channels, height, width = stored_NCHW.shape[1:]
        counts = np.zeros((channels, 256), np.int64)
        for chunk in rows.split(_ROWS_AT_ONCE):
            block = stored_NCHW.index_select(0, chunk).numpy()
            for channel in range(channels):
                counts[channel] += np.bincount(block[:, channel].ravel(), minlength=256)
        values = np.arange(256) / 255
        shares = counts / counts.sum(1, keepdims=True)
        mean = shares @ values
        deviation = np.sqrt((shares * (values - mean[:, None]) ** 2).sum(1))
        # a channel that never changes says nothing: leave it at 0 instead of dividing by 0
        std = np.where(deviation > 0, deviation, 1.0)
        return cls(height, width, channels, tuple(mean.tolist()), tuple(std.tolist()), tuple(classes))

    def prepare(self, stored: Tensor) -> Tensor:
        """Return float32 (B, C, H, W) of uint8 (B, C, H, W), on the same device."""
        mean_C11 = torch.tensor(self.mean, device=stored.device).mul_(255)[:, None, None]
        scale_C11 = torch.tensor(self.std, device=stored.device).mul_(255).reciprocal_()[:, None, None]
        return stored.to(torch.float32).sub_(mean_C11).mul_(scale_C11)

    def restore(self, prepared_BCHW: Tensor) -> Tensor:
        """Return uint8 pixels of prepared (or generated) images, to be looked at: the inverse of `prepare`."""
        mean_C11 = prepared_BCHW.new_tensor(self.mean)[:, None, None]
        std_C11 = prepared_BCHW.new_tensor(self.std)[:, None, None]
        return ((prepared_BCHW * std_C11 + mean_C11) * 255).round_().clamp_(0, 255).to(torch.uint8)

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
        """Read new images."""
        raise NotImplementedError


def from_pixels(
    name: str,
    stored_NCHW: Tensor,
    labels_N: Tensor,
    classes: Sequence[str],
    rows: Mapping[SplitName, Tensor],
    source: Source,
    notes: tuple[str, ...] = (),
) -> Dataset:
    """Return the data set of stored images.

    Args:
        name: of the data set.
        stored_NCHW: uint8, in memory or mapped.
        labels_N: int64, the class of each image.
        classes: the classes' names.
        rows: the rows of each split.
        source: where the images came from.
        notes: what is known already.
    """
    channels, height, width = stored_NCHW.shape[1:]
    return Dataset(
        name=name,
        source=source,
        inputs=stored_NCHW,
        targets=labels_N,
        rows=rows,
        input_shape=Image(height, width, channels),
        target=Classes(tuple(classes)),
        preprocessing=ImagePreprocessing.fit(stored_NCHW, rows["train"], classes),
        notes=notes + duplicates_note(stored_NCHW, rows, labels_N) + rare_classes_note(labels_N, classes, rows),
    )
