"""Transposed convolution: each number of the input lays the kernel, times itself, onto the output.

Shape letters: N batch, C channels of the input, O of the output, P places of the input (one or more dimensions),
K places of the kernel (as many).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.explain.derivation.operation import Operation, number, place, sum_of_products
from pellucid.explain.derivation.steps import Array, Formula
from pellucid.explain.derivation.windows import Windows


class TransposedConvolution(Operation):
    """Z[n,o,q] = Σ W[c,o,k] X[n,c,p] over all p·s+k·d = q, and b: the backward pass of a convolution, forwards.

    Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), chapter 4.

    Args:
        windows: how they lie over the output; what is padding there is cut off.
        places: of the output, one number an axis.
        groups: of channels that are convolved apart.
        has_bias: whether a number is added to each map.
    """

    kind = "transposed convolution"
    output = "Z"

    def __init__(self, windows: Windows, places: Sequence[int], groups: int, *, has_bias: bool) -> None:
        self._windows, self._places, self._groups = windows, tuple(places), groups
        self.symbols = ("X", "W", "b") if has_bias else ("X", "W")
        bias, of_bias = (" + b", " + b[o]") if has_bias else ("", "")
        self.forward_formula = Formula(
            f"Z[n,o,q] = Σ_c,p,k W[c,o,k] X[n,c,p] over all p·s+k·d = q{of_bias}",
            rf"Z_{{n,o,q}} = \sum_{{c,\; p s + k d = q}} W_{{c,o,k}} X_{{n,c,p}}{bias and ' + b_o'}",
        )
        formulas = (
            Formula(
                "dX = dZ correlated with W: dX[n,c,p] = Σ_o,k W[c,o,k] dZ[n,o,p·s+k·d]",
                r"dX_{n,c,p} = \sum_{o,k} W_{c,o,k}\, dZ_{n,o,ps+kd}",
            ),
            Formula(
                "dW[c,o,k] = Σ_n,p X[n,c,p] dZ[n,o,p·s+k·d]",
                r"dW_{c,o,k} = \sum_{n,p} X_{n,c,p}\, dZ_{n,o,ps+kd}",
            ),
            Formula("db[o] = Σ_n,q dZ[n,o,q]", r"db_o = \sum_{n,q} dZ_{n,o,q}"),
        )
        self.backward_formulas = formulas[: len(self.symbols)]

    def forward(self, x: Array, weight: Array, bias: Array | None = None) -> Array:
        """Return the maps (N, O, ...)."""
        self._x, self._weight, self._bias = x, weight, bias
        spread = [np.moveaxis(np.tensordot(part, kernel, ([1], [0])), x.ndim - 1, 1)
                  for part, kernel in self._apart(x)]  # fmt: skip
        windows = np.concatenate(spread, 1)  # N O P K
        self._z = self._windows.gather(windows, (*windows.shape[:2], *self._places))
        if bias is not None:
            self._z = self._z + bias.reshape((-1,) + (1,) * (x.ndim - 2))
        return self._z

    def backward(self, gradient: Array) -> tuple[Array, ...]:
        """Return dX, dW and db."""
        axes = len(self._windows.kernel)
        cut = self._cut(gradient)
        by_x, by_weight = [], []
        over_cut, over_kernel = [1, *range(2 + axes, 2 + 2 * axes)], [1, *range(2, 2 + axes)]
        over = [0, *range(2, 2 + axes)]
        for (part, kernel), piece in zip(self._apart(self._x), np.split(cut, self._groups, 1), strict=True):
            by_x.append(np.moveaxis(np.tensordot(piece, kernel, (over_cut, over_kernel)), -1, 1))
            by_weight.append(np.tensordot(part, piece, (over, over)))
        parts = np.concatenate(by_x, 1), np.concatenate(by_weight, 0), gradient.sum(axis=tuple(over))
        return parts[: len(self.symbols)]

    def worked(self, gradient: Array | None) -> tuple[str, ...]:
        """Return the first place of the first map, and dX of the first of the input."""
        lines = self._laid()
        if gradient is not None:
            corner: Any = (0, slice(self._weight.shape[1]), *(0,) * len(self._windows.kernel))
            dz, kernel = self._cut(gradient)[corner].ravel(), self._weight[0].ravel()
            first = place((0,) * self._x.ndim)
            lines.append(f"dX{first} = {sum_of_products(kernel, dz)} = {number(float(kernel @ dz))}")
        return tuple(lines)

    def _laid(self) -> list[str]:
        """Return what is laid onto the first place, by every place of the input that reaches it."""
        found: list[tuple[float, float]] = []
        w, channels = self._windows, self._x.shape[1] // self._groups
        for index in np.ndindex(w.kernel):
            ahead = [b - k * d for b, k, d in zip(w.before, index, w.dilation, strict=True)]
            begins = [a // s for a, s in zip(ahead, w.stride, strict=True)]
            fits = all(a % s == 0 for a, s in zip(ahead, w.stride, strict=True))
            if fits and all(0 <= p < n for p, n in zip(begins, self._x.shape[2:], strict=True)):
                found += [(self._weight[(c, 0, *index)], self._x[(0, c, *begins)]) for c in range(channels)]
        weights, numbers = (np.array([pair[side] for pair in found]) for side in (0, 1))
        bias = "" if self._bias is None else f" + {number(self._bias[0])}"
        first = (0,) * self._z.ndim
        return [f"Z{place(first)} = {sum_of_products(weights, numbers) or '0'}{bias} = {number(self._z[first])}"]

    def _cut(self, gradient: Array) -> Array:
        """Return the windows of dZ, (N, O, P, K); with a wide output padding there would be more of them."""
        cut = self._windows.cut(self._windows.padded(gradient))
        inside = tuple(slice(n) for n in self._x.shape[2:])
        return cut[(slice(None), slice(None), *inside)]

    def _apart(self, x: Array) -> list[tuple[Array, Array]]:
        """Return the input and the kernels of each group."""
        halves = np.split(x, self._groups, 1), np.split(self._weight, self._groups, 0)
        return list(zip(*halves, strict=True))
