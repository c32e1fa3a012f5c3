"""Maps as they travel: small enough, and as bytes where nobody reads their numbers."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

Array = npt.NDArray[Any]
SIDE, SMALL = 64, 32
"""Places along a map's longer side, where it is looked at and in the overview."""
_MAPS = 400
"""In the overview, of all layers together; at least three of each."""
MOST_LARGE = 64
"""Maps of the layer that is looked at."""


def within(maps: Array, side: int = SIDE) -> Array:
    """Return maps (n, H, W) whose longer side is at most so long, means over what falls to a place; float32."""
    found = torch.from_numpy(np.ascontiguousarray(maps, dtype=np.float32))
    height, width = found.shape[-2:]
    longest = max(height, width)
    if longest > side:
        sizes = (max(1, round(height * side / longest)), max(1, round(width * side / longest)))
        found = F.adaptive_avg_pool2d(found[None], sizes)[0]
    return found.numpy()


def per_layer(layers: int) -> int:
    """Return how many maps of each layer the overview has."""
    return max(3, min(10, _MAPS // max(layers, 1)))


def small(output: Tensor, most: int) -> tuple[Array, float]:
    """Return the first maps of a layer as int8 (n, h, w), and the size of the number that 127 stands for.

    Of (1, F) numbers a column (1, F, 1).
    """
    given = output[0].numpy()
    maps = within(given[:most], SMALL) if given.ndim == 3 else given[None, :, None].astype(np.float32)
    size = largest(maps)
    return np.nan_to_num(maps * (127 / size)).round().clip(-127, 127).astype(np.int8), size


def largest(maps: Array) -> float:
    """Return the size of the largest number; 1 where all are 0 or none is a number."""
    sizes = np.abs(maps[np.isfinite(maps)])
    return float(sizes.max(initial=0.0)) or 1.0
