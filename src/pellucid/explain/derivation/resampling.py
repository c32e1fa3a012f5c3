"""Images and sequences made larger or smaller: each number of the output is a weighted mean of some of the input."""

from collections.abc import Sequence

import numpy as np

from pellucid.explain.derivation.operation import Operation
from pellucid.explain.derivation.steps import Array, Formula


class Resampling(Operation):
    """Y = R_1 R_2 ... X, a matrix for each axis behind the channels.

    Args:
        kind: what it is called.
        matrices: R of each axis, (m, n): what each of n places has in each of m.
    """

    symbols = ("X",)

    def __init__(self, kind: str, matrices: Sequence[Array]) -> None:
        self.kind, self._matrices = kind, matrices
        axes = ", ".join(f"{m}×{n}" for m, n in (matrix.shape for matrix in matrices))
        self.forward_formula = Formula(
            f"Y = R X along each axis, R[i,j] the share of place j in place i of the output ({axes})",
            r"Y_i = \sum_j R_{ij} X_j \quad\text{along each axis}",
        )
        self.backward_formulas = (
            Formula("dX = Rᵀ dY along each axis", r"dX_j = \sum_i R_{ij}\, dY_i \quad\text{along each axis}"),
        )

    def forward(self, x: Array) -> Array:
        """Return the output."""
        return _along(x, self._matrices)

    def backward(self, gradient: Array) -> tuple[Array]:
        """Return dX."""
        return (_along(gradient, [matrix.T for matrix in self._matrices]),)


def _along(x: Array, matrices: Sequence[Array]) -> Array:
    for axis, matrix in zip(range(-len(matrices), 0), matrices, strict=True):
        x = np.moveaxis(np.moveaxis(x, axis, -1) @ matrix.T, -1, axis)
    return x


def nearest(n: int, m: int, factor: float | None) -> Array:
    """Return (m, n): place i of the output is place ⌊i n / m⌋ of the input.

    Args:
        n: places of the input.
        m: of the output.
        factor: m / n as it was asked for; None takes that of the places.
    """
    # in torch's single precision, which decides where i n / m is whole
    step = np.float32(1 / factor if factor else n / m)
    chosen = np.minimum(np.floor(np.arange(m, dtype=np.float32) * step).astype(np.int64), n - 1)
    return np.asarray(np.eye(n)[chosen])


def linear(n: int, m: int, factor: float | None, *, aligned: bool) -> Array:
    """Return (m, n): place i of the output lies at (i + ½) n / m - ½, between two of the input that share it.

    Args:
        n: places of the input.
        m: of the output.
        factor: m / n as it was asked for; None takes that of the places.
        aligned: whether the middles of the outermost places lie on each other, i (n - 1) / (m - 1).
    """
    if aligned:
        where = np.arange(m) * ((n - 1) / (m - 1) if m > 1 else 0.0)
    else:
        where = np.maximum((np.arange(m) + 0.5) * (1 / factor if factor else n / m) - 0.5, 0)
    low = np.minimum(np.floor(where).astype(np.int64), n - 1)
    high, share = np.minimum(low + 1, n - 1), where - low
    return np.asarray((1 - share)[:, None] * np.eye(n)[low] + share[:, None] * np.eye(n)[high])


def smoothed(n: int, m: int) -> Array:
    """Return (m, n) of linear interpolation that smooths where it shrinks: triangles as wide as n / m places.

    That is what image editors and `antialias=True` do.
    """
    step = n / m
    width = max(step, 1.0)
    middles = step * (np.arange(m) + 0.5)
    shares = np.maximum(0, 1 - np.abs(np.arange(n) + 0.5 - middles[:, None]) / width)
    # torch's ends of each triangle, which where they are rounded leave out what has next to no share
    first = np.maximum((middles - width + 0.5).astype(np.int64), 0)
    end = np.minimum((middles + width + 0.5).astype(np.int64), n)
    inside = (np.arange(n) >= first[:, None]) & (np.arange(n) < end[:, None])
    shares = shares * inside
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))
