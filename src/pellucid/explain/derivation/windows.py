"""Convolution and pooling: what is computed of each window of an image, a sequence, or a volume.

Shape letters: N batch, C channels of the input, O of the output, P places of the output (one or more dimensions),
K places of the kernel (as many).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from pellucid.explain.derivation.operation import Operation, number, place, sum_of_products
from pellucid.explain.derivation.steps import Array, Formula


@dataclass(frozen=True, slots=True)
class Windows:
    """How windows lie over the places of an input, one number for each of its axes.

    Attributes:
        kernel: sides of a window.
        stride: from one window to the next.
        before, after: places around the input.
        dilation: from one place of a window to the next.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    dilation: tuple[int, ...]

    def laid(self, places: Sequence[int], more: Sequence[int]) -> tuple[int, ...]:
        """Return the places of an output onto which each place of an input lays a window, with some more behind."""
        axes = zip(places, self.kernel, self.stride, self.before, self.after, self.dilation, more, strict=True)
        return tuple((n - 1) * s + (k - 1) * d + 1 - b - a + m for n, k, s, b, a, d, m in axes)

    def padded(self, x: Array, value: float = 0.0) -> Array:
        """Return the input within its border."""
        widths = [(0, 0), (0, 0), *zip(self.before, self.after, strict=True)]
        return np.pad(x, widths, constant_values=value)

    def cut(self, x: Array) -> Array:
        """Return the windows (N, C, P, K) of an input (N, C, ...) within its border, as a view."""
        axes = tuple(range(2, x.ndim))
        reach = [(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]
        views = np.lib.stride_tricks.sliding_window_view(x, reach, axis=axes)
        steps = [slice(None), slice(None)] + [slice(None, None, each) for each in (*self.stride, *self.dilation)]
        return np.asarray(views[tuple(steps)])

    def gather(self, windows: Array, shape: Sequence[int]) -> Array:
        """Return (N, C, ...) without its border: at each place the sum over the windows' numbers that lie there.

        Args:
            windows: (N, C, P, K).
            shape: (N, C, ...) of the input.
        """
        axes = len(self.kernel)
        sides = [n + b + a for n, b, a in zip(shape[2:], self.before, self.after, strict=True)]
        total = np.zeros((*windows.shape[:2], *sides))
        places = windows.shape[2 : 2 + axes]
        for offset in np.ndindex(self.kernel):
            starts = [o * d for o, d in zip(offset, self.dilation, strict=True)]
            there = [slice(b, b + (n - 1) * s + 1, s) for b, n, s in zip(starts, places, self.stride, strict=True)]
            total[(slice(None), slice(None), *there)] += windows[(..., *offset)]
        inside = [slice(b, b + n) for b, n in zip(self.before, shape[2:], strict=True)]
        return np.asarray(total[(slice(None), slice(None), *inside)])


def pooling_windows(
    places: Sequence[int], kernel: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...],
    dilation: tuple[int, ...], *, ceil: bool,
) -> Windows:  # fmt: skip
    """Return windows with the border that `ceil_mode` adds behind, so that a last one may stick out.

    One that would begin behind the input and its padding is left out.
    """
    after = []
    for n, k, s, p, d in zip(places, kernel, stride, padding, dilation, strict=True):
        reach = (k - 1) * d + 1
        count = (n + 2 * p - reach) // s + 1
        if ceil and (n + 2 * p - reach) % s and count * s < n + p:
            count += 1
        after.append(max((count - 1) * s + reach - n - p, 0))
    return Windows(kernel, stride, padding, tuple(after), dilation)


class Convolution(Operation):
    """Z = W * X + b: of each window the products with the kernel, summed (in mathematics, the cross-correlation).

    Args:
        windows: how they lie; kept as an attribute, as in poolings.
        groups: of channels that are convolved apart.
        has_bias: whether a number is added to each map.
    """

    kind = "convolution"
    output = "Z"

    def __init__(self, windows: Windows, groups: int, *, has_bias: bool) -> None:
        self.windows, self._groups = windows, groups
        self.symbols = ("X", "W", "b") if has_bias else ("X", "W")
        self.linear_in = (0, 2) if has_bias else (0,)
        bias = " + b" if has_bias else ""
        of_bias = " + b[o]" if has_bias else ""
        self.forward_formula = Formula(
            f"Z[n,o,p] = Σ_c,k W[o,c,k] X[n,c,p·s+k·d]{of_bias}", rf"Z = W \star X{bias}\quad(\text{{correlation}})"
        )
        formulas = (
            Formula(
                "dX = dZ * W, the full convolution: dX[n,c,q] = Σ_o,k W[o,c,k] dZ[n,o,p] over all p·s+k·d = q",
                r"dX = dZ \ast W\quad(\text{full convolution})",
            ),
            Formula(
                "dW = dZ correlated with X: dW[o,c,k] = Σ_n,p dZ[n,o,p] X[n,c,p·s+k·d]",
                r"dW = dZ \star X\quad(\text{correlation of input and } dZ)",
            ),
            Formula("db[o] = Σ_n,p dZ[n,o,p]", r"db_o = \sum_{n,p} dZ_{n,o,p}"),
        )
        self.backward_formulas = formulas[: len(self.symbols)]

    def forward(self, x: Array, weight: Array, bias: Array | None = None) -> Array:
        """Return the maps (N, O, P)."""
        self._shape, self._weight, self._bias = x.shape, weight, bias
        self._cut = self.windows.cut(self.windows.padded(x))
        maps = [self._correlated(*each) for each in self._apart()]
        self._z = np.concatenate(maps, 1)
        if bias is not None:
            self._z = self._z + bias.reshape((-1,) + (1,) * (x.ndim - 2))
        return self._z

    def backward(self, gradient: Array) -> tuple[Array, ...]:
        """Return dX, dW and db."""
        by_windows, by_weight = [], []
        axes = len(self.windows.kernel)
        over = [0, *range(2, 2 + axes)]
        for dz, (cut, weight) in zip(np.split(gradient, self._groups, 1), self._apart(), strict=True):
            by_weight.append(np.tensordot(dz, cut, (over, over)))
            spread = np.tensordot(dz, weight, ([1], [0]))  # N P C K
            by_windows.append(np.moveaxis(spread, 1 + axes, 1))
        by_x = self.windows.gather(np.concatenate(by_windows, 1), self._shape)
        return (by_x, np.concatenate(by_weight, 0), gradient.sum(axis=tuple(over)))[: len(self.symbols)]

    def worked(self, gradient: Array | None) -> tuple[str, ...]:
        """Return the first place of the first map, and the gradient of the first weight."""
        axes = len(self.windows.kernel)
        corner: Any = (0, slice(self._weight.shape[1]), *(0,) * axes)
        seen = self._cut[corner].ravel()
        bias = "" if self._bias is None else f" + {number(self._bias[0])}"
        first = (0,) * self._z.ndim
        lines = [f"Z{place(first)} = {sum_of_products(self._weight[0].ravel(), seen)}{bias} = {number(self._z[first])}"]
        if gradient is not None:
            corner = (slice(None), 0, ..., *(0,) * axes)
            dz, x = gradient[:, 0].ravel(), self._cut[corner].ravel()
            lines.append(f"dW{place(first)} = {sum_of_products(dz, x)} = {number(float(dz @ x))}")
        return tuple(lines)

    def slope_is(self, operand: int, of: Sequence[int], at: Sequence[int]) -> tuple[int, tuple[int, ...]] | None:
        """Return w of ∂z/∂x and x of ∂z/∂w, of channels that are convolved together."""
        if self._groups > 1 or operand == 2 or of[operand] != at[0]:
            return None
        (sample, map_), channel, w = of[:2], at[1], self.windows
        axes = list(zip(of[2:], at[2:], w.stride, w.before, w.dilation, strict=True))
        if operand == 1:
            there = tuple(p * s + k * d - b for p, k, s, b, d in axes)
            return (0, (sample, channel, *there)) if _is_within(there, self._shape[2:]) else None
        reach = tuple(q + b - p * s for p, q, s, b, _ in axes)
        kernel = tuple(r // d for r, d in zip(reach, w.dilation, strict=True))
        is_hit = all(r % d == 0 for r, d in zip(reach, w.dilation, strict=True)) and _is_within(kernel, w.kernel)
        return (1, (map_, channel, *kernel)) if is_hit else None

    def _apart(self) -> list[tuple[Array, Array]]:
        """Return the windows and kernels of each group."""
        halves = np.split(self._cut, self._groups, 1), np.split(self._weight, self._groups, 0)
        return list(zip(*halves, strict=True))

    def _correlated(self, cut: Array, weight: Array) -> Array:
        axes = len(self.windows.kernel)
        over_cut, over_weight = [1, *range(2 + axes, 2 + 2 * axes)], [1, *range(2, 2 + axes)]
        return np.moveaxis(np.tensordot(cut, weight, (over_cut, over_weight)), -1, 1)


def _is_within(place: Sequence[int], shape: Sequence[int]) -> bool:
    return all(0 <= at < length for at, length in zip(place, shape, strict=True))


class MaxPooling(Operation):
    """The largest number of each window, to which the gradient goes back whole."""

    kind = "max pooling"
    symbols = ("X",)
    forward_formula = Formula("Y[p] = max of X over the window p", r"Y_p = \max_{q \in w(p)} X_q")
    backward_formulas = (
        Formula("dX[q] = sum of dY[p] over the windows p whose largest number lies at q",
                r"dX_q = \sum_{p\,:\,q = \arg\max w(p)} dY_p"),
    )  # fmt: skip

    def __init__(self, windows: Windows) -> None:
        self.windows = windows

    def forward(self, x: Array) -> Array:
        """Return the maxima; the border never is one."""
        self._shape = x.shape
        cut = self.windows.cut(self.windows.padded(x, -np.inf))
        rows = cut.reshape(*cut.shape[: x.ndim], -1)
        self._chosen, self._all = rows.argmax(-1), cut.shape
        return np.take_along_axis(rows, self._chosen[..., None], -1)[..., 0]

    def backward(self, gradient: Array) -> tuple[Array]:
        """Return each gradient at the place of the maximum."""
        rows = np.zeros((*gradient.shape, prod(self.windows.kernel)))
        np.put_along_axis(rows, self._chosen[..., None], gradient[..., None], -1)
        return (self.windows.gather(rows.reshape(self._all), self._shape),)


class AveragePooling(Operation):
    """The mean of each window, whose gradient is shared out evenly.

    Args:
        windows: how they lie.
        padding: how many of the border's places count as zeros, before and behind each axis; the others do not count.
        divisor: the number to divide by in place of the count, or None.
    """

    kind = "average pooling"
    symbols = ("X",)
    linear_in = (0,)
    forward_formula = Formula("Y[p] = mean of X over the window p", r"Y_p = \frac{1}{|w(p)|} \sum_{q \in w(p)} X_q")
    backward_formulas = (
        Formula("dX[q] = sum of dY[p] / size of p over the windows p around q",
                r"dX_q = \sum_{p\,:\,q \in w(p)} \frac{dY_p}{|w(p)|}"),
    )  # fmt: skip

    def __init__(self, windows: Windows, padding: tuple[int, ...], divisor: int | None) -> None:
        self.windows, self._padding, self._divisor = windows, padding, divisor

    def forward(self, x: Array) -> Array:
        """Return the means."""
        self._shape, axes = x.shape, len(self.windows.kernel)
        over = tuple(range(-axes, 0))
        cut = self.windows.cut(self.windows.padded(x))
        self._all = cut.shape
        self._size = self._counted(x.shape) if self._divisor is None else np.asarray(float(self._divisor))
        return np.asarray(cut.sum(axis=over) / self._size)

    def backward(self, gradient: Array) -> tuple[Array]:
        """Return the shares."""
        shares = (gradient / self._size)[(..., *(None,) * len(self.windows.kernel))]
        return (self.windows.gather(np.broadcast_to(shares, self._all), self._shape),)

    def _counted(self, shape: tuple[int, ...]) -> Array:
        """Return how many places of each window count, (1, 1, P)."""
        w = self.windows
        counts = np.zeros((1, 1, *(n + b + a for n, b, a in zip(shape[2:], w.before, w.after, strict=True))))
        inside = [slice(b - p, b + n + p) for n, b, p in zip(shape[2:], w.before, self._padding, strict=True)]
        counts[(slice(None), slice(None), *inside)] = 1
        return np.asarray(w.cut(counts).sum(axis=tuple(range(-len(w.kernel), 0))))


class AdaptivePooling(Operation):
    """The means of windows that divide each axis into so many places; place i of m of an axis of n begins at ⌊i n / m⌋.

    Args:
        places: of the output, one number an axis.
    """

    kind = "adaptive average pooling"
    symbols = ("X",)
    linear_in = (0,)
    forward_formula = AveragePooling.forward_formula
    backward_formulas = AveragePooling.backward_formulas

    def __init__(self, places: tuple[int, ...]) -> None:
        self._places = places

    def forward(self, x: Array) -> Array:
        """Return the means."""
        self._means = [_shares(n, m) for n, m in zip(x.shape[-len(self._places) :], self._places, strict=True)]
        return self._along(x, self._means)

    def backward(self, gradient: Array) -> tuple[Array]:
        """Return the shares."""
        return (self._along(gradient, [each.T for each in self._means]),)

    def _along(self, x: Array, matrices: list[Array]) -> Array:
        for axis, matrix in zip(range(-len(matrices), 0), matrices, strict=True):
            x = np.moveaxis(np.moveaxis(x, axis, -1) @ matrix.T, -1, axis)
        return x


def _shares(n: int, m: int) -> Array:
    """Return (m, n): what each of n places has in each of m means."""
    matrix = np.zeros((m, n))
    for row in range(m):
        first, end = row * n // m, -(-(row + 1) * n // m)
        matrix[row, first:end] = 1 / (end - first)
    return matrix
