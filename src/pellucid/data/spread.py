"""How far numbers lie apart, however large or small they are.

Shape letters: N values, K quantities.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

LEAST_DEVIATION = 1e-140
"""Beneath, squares lose digits in double precision, and are 0 in the end."""

# float32 rounds to 1 part in 1.7e7: an offset of more standard deviations than this spoils what varies beside it
_LARGEST_OFFSET = 4096
_LEAST_SCALE, _LARGEST_SCALE = 1e-30, 1e30  # what float32 divides by without losing digits or overflowing


def deviation(values_NK: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the standard deviation of each column, (K,), or of one column (N,), a single number; 0 of constants.

    The square of 1e-200 is 0 in double precision, so values are first multiplied by a power of two, which is exact;
    and the mean of equal numbers may differ from them by a rounding error, which would be taken for a deviation.

    >>> deviation(np.array([[2.0**-900, 0.1], [3 * 2.0**-900, 0.1]])).tolist() == [2.0**-900, 0]
    True
    """
    span_K = np.asarray(values_NK.max(0) - values_NK.min(0))
    exponent_K = np.frexp(span_K)[1]
    found_K = np.ldexp(np.ldexp(values_NK, -exponent_K).std(0), exponent_K)
    return np.where(span_K > 0, found_K, 0.0)


def precision(mean: Sequence[float], scale: Sequence[float]) -> torch.dtype:
    """Return what numbers are standardised in: float64 where float32 would round away what varies in them."""
    fits = all(
        abs(m) <= _LARGEST_OFFSET * s and _LEAST_SCALE <= s <= _LARGEST_SCALE for m, s in zip(mean, scale, strict=True)
    )
    return torch.float32 if fits else torch.float64
