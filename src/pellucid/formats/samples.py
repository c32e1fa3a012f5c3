"""Samples that a network made, as files: a grid of pictures, arrays, rows.

Shape letters: N samples, C channels, H height, W width.
"""

import io
import math
from pathlib import Path

import numpy as np
import polars as pl
import torch
from PIL import Image
from torch import Tensor

from pellucid.errors import OptionError
from pellucid.files import write_bytes

_BORDER = 1
_SMALL, _ENLARGED = 32, 4  # pictures below this size are enlarged so many times in a grid

Samples = Tensor | pl.DataFrame


def write_samples(path: Path, samples: Samples) -> None:
    """Write samples in the form that the ending of the path names.

    - .png: pictures in a grid, for images;
    - .npz: an array `samples`, images as (N, H, W, C);
    - .csv: a row for each sample.

    Raises:
        OptionError: another ending, or one that such samples cannot be written as.
    """
    pictures = isinstance(samples, Tensor) and samples.ndim == 4
    kinds = {".png": pictures, ".npz": isinstance(samples, Tensor), ".csv": not pictures}
    if not kinds.get(path.suffix.lower(), False):
        raise OptionError(
            f"samples of this kind cannot be written to '{path.name}'",
            expected="a file that ends in " + " or ".join(ending for ending, fits in kinds.items() if fits),
            received=path.suffix or "no ending",
        )
    file = io.BytesIO()
    match path.suffix.lower():
        case ".png":
            assert isinstance(samples, Tensor)
            Image.fromarray(grid(_pixels(samples))).save(file, "PNG")
        case ".npz":
            assert isinstance(samples, Tensor)
            np.savez(file, samples=(samples.movedim(1, -1) if pictures else samples).numpy())
        case _:
            file.write(as_rows(samples).write_csv().encode())
    write_bytes(path, file.getvalue())


def as_rows(samples: Samples) -> pl.DataFrame:
    """Return samples as a frame, the numbers of arrays as columns x1, x2, ..."""
    if isinstance(samples, pl.DataFrame):
        return samples
    numbers = samples.flatten(1)
    return pl.DataFrame(numbers.numpy(), schema=[f"x{place}" for place in range(1, numbers.shape[1] + 1)])


def grid(pixels_NCHW: Tensor) -> np.ndarray:
    """Return pictures side by side in a square, as uint8 (H, W) or (H, W, 3), small ones enlarged."""
    count, channels, height, width = pixels_NCHW.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    times = _ENLARGED if max(height, width) < _SMALL else 1
    enlarged = pixels_NCHW.repeat_interleave(times, 2).repeat_interleave(times, 3)
    high, wide = height * times + _BORDER, width * times + _BORDER
    sheet = torch.full((channels, rows * high + _BORDER, columns * wide + _BORDER), 255, dtype=torch.uint8)
    for place, picture in enumerate(enlarged):
        top, left = _BORDER + place // columns * high, _BORDER + place % columns * wide
        sheet[:, top : top + height * times, left : left + width * times] = picture
    return (sheet[0] if channels == 1 else sheet.movedim(0, -1)).numpy()


def _pixels(samples_NCHW: Tensor) -> Tensor:
    """Return uint8 with one channel or three, other numbers from the least, black, to the greatest, white."""
    shown = samples_NCHW if samples_NCHW.shape[1] == 3 else samples_NCHW[:, :1]
    if shown.dtype == torch.uint8:
        return shown
    least, greatest = shown.min(), shown.max()
    return ((shown - least) * (255 / (greatest - least).clamp_min(1e-9))).round().to(torch.uint8)
