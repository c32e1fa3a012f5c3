"""What chooses among numbers: comparisons, the largest, numbers in order, numbers by their places."""

from collections.abc import Callable

import numpy as np

from pellucid.explain.derivation.operation import Operation, unbroadcast
from pellucid.explain.derivation.steps import Array, Formula

_NONE = (Formula("no gradient: the result is constant but for jumps", r"dA = 0"),)


class Stepwise(Operation):
    """A function that is constant but for jumps, and has no gradient: comparisons, places of the largest, detaching.

    Args:
        kind: what it is called.
        of: operands -> result.
        formula: of the result.
        operands: how many.
    """

    def __init__(self, kind: str, of: Callable[..., Array], formula: Formula, operands: int = 1) -> None:
        self.kind, self._of, self.forward_formula = kind, of, formula
        self.symbols = ("X",) if operands == 1 else ("A", "B")
        self.backward_formulas = _NONE

    def forward(self, *operands: Array) -> Array:
        """Return the result."""
        return np.asarray(self._of(*operands))

    def backward(self, gradient: Array) -> tuple[None, ...]:  # noqa: ARG002 (there is none)
        """Return nothing."""
        return (None,) * len(self.symbols)


class Largest(Operation):
    """The largest (or least) numbers along a dimension; where several are, each has an equal share of the gradient.

    Args:
        axes: the dimensions.
        keeps: whether they stay, with length 1.
        is_least: whether the least are taken.
    """

    symbols = ("X",)

    def __init__(self, axes: tuple[int, ...], *, keeps: bool, is_least: bool) -> None:
        self._axes, self._keeps, self._is_least = axes, keeps, is_least
        word = "min" if is_least else "max"
        self.kind = f"{'least' if is_least else 'largest'} along dimension {', '.join(map(str, axes))}"
        self.forward_formula = Formula(f"y = {word}_j x_j", rf"y = \{word}_j x_j")
        self.backward_formulas = (
            Formula(
                "dx_j = dy where x_j = y, else 0; shared where several are",
                r"dx_j = dy\,\frac{[x_j = y]}{|\{i : x_i = y\}|}",
            ),
        )

    def forward(self, x: Array) -> Array:
        """Return the largest."""
        kept = (x.min if self._is_least else x.max)(axis=self._axes, keepdims=True)
        self._chosen, self._shape = x == kept, kept.shape
        return np.asarray(kept if self._keeps else kept.squeeze(self._axes))

    def backward(self, gradient: Array) -> tuple[Array]:
        """Return dX."""
        shares = self._chosen / self._chosen.sum(axis=self._axes, keepdims=True)
        return (shares * gradient.reshape(self._shape),)


class Ordering(Operation):
    """The numbers along a dimension in order, with the places where they stood.

    Args:
        axis: the dimension.
        descends: whether the largest is first.
    """

    kind = "sorting"
    symbols = ("X",)
    forward_formula = Formula("(Y, π) = X in order, y_i = x_π(i)", r"y_i = x_{\pi(i)}")
    backward_formulas = (Formula("dx_π(i) = dy_i", r"dx_{\pi(i)} = dy_i"),)

    def __init__(self, axis: int, *, descends: bool) -> None:
        self._axis, self._descends = axis, descends

    def forward(self, x: Array) -> tuple[Array, Array]:
        """Return the numbers and their places."""
        self._places = np.argsort(-x if self._descends else x, axis=self._axis, kind="stable")
        return np.take_along_axis(x, self._places, self._axis), self._places

    def backward(self, gradient: tuple[Array | None, None]) -> tuple[Array]:
        """Return dX."""
        by_x = np.zeros(self._places.shape)
        if gradient[0] is not None:
            np.put_along_axis(by_x, self._places, gradient[0], self._axis)
        return (by_x,)


class Gathering(Operation):
    """Numbers along a dimension by their places, which are given.

    Args:
        axis: the dimension.
    """

    kind = "numbers by their places"
    symbols = ("X", "I")
    forward_formula = Formula("y_i = x_I(i)", r"y_i = x_{I_i}")
    backward_formulas = (Formula("dx_j = Σ dy_i over I(i) = j", r"dx_j = \sum_{i : I_i = j} dy_i"),)

    def __init__(self, axis: int) -> None:
        self._axis = axis

    def forward(self, x: Array, places: Array) -> Array:
        """Return the numbers."""
        self._shape = x.shape
        self._where: list[Array] = list(np.indices(places.shape))
        self._where[self._axis] = places.astype(np.int64)
        return np.asarray(x[tuple(self._where)])

    def backward(self, gradient: Array) -> tuple[Array, None]:
        """Return dX, and nothing for the places."""
        by_x = np.zeros(self._shape)
        np.add.at(by_x, tuple(self._where), gradient)
        return by_x, None


class Unfolding(Operation):
    """Windows along a dimension, each a new last dimension: `x.unfold`.

    Args:
        axis: the dimension.
        size: of a window.
        step: from one to the next.
    """

    kind = "windows"
    symbols = ("X",)
    forward_formula = Formula("Y[p,k] = X[p·s+k]", r"Y_{p,k} = X_{ps+k}")
    backward_formulas = (Formula("dX[q] = Σ dY[p,k] over p·s+k = q", r"dX_q = \sum_{ps+k=q} dY_{p,k}"),)

    def __init__(self, axis: int, size: int, step: int) -> None:
        self._axis, self._size, self._step = axis, size, step

    def forward(self, x: Array) -> Array:
        """Return the windows."""
        self._shape = x.shape
        windows = np.lib.stride_tricks.sliding_window_view(x, self._size, axis=self._axis)
        return np.asarray(windows.take(range(0, windows.shape[self._axis], self._step), self._axis))

    def backward(self, gradient: Array) -> tuple[Array]:
        """Return dX."""
        by_x = np.zeros(self._shape)
        ahead = np.moveaxis(by_x, self._axis, 0)  # a view: what is added to it lands in by_x
        for offset in range(self._size):
            part = np.moveaxis(gradient[..., offset], self._axis, 0)
            ahead[offset : offset + (len(part) - 1) * self._step + 1 : self._step] += part
        return (by_x,)


class Which(Operation):
    """One of two numbers at each place, as a condition says."""

    kind = "choice of two"
    symbols = ("C", "A", "B")
    forward_formula = Formula("Y = A where C, else B", r"Y = [C]\,A + [\lnot C]\,B")
    backward_formulas = (
        Formula("dA = dY where C, else 0", r"dA = [C]\,dY"),
        Formula("dB = dY where not C, else 0", r"dB = [\lnot C]\,dY"),
    )

    def forward(self, condition: Array, a: Array, b: Array) -> Array:
        """Return the numbers chosen."""
        self._condition, self._shapes = condition.astype(bool), (a.shape, b.shape)
        return np.where(self._condition, a, b)

    def backward(self, gradient: Array) -> tuple[None, Array, Array]:
        """Return nothing for the condition, and each operand's part, summed where it was repeated."""
        parts = np.where(self._condition, gradient, 0.0), np.where(self._condition, 0.0, gradient)
        by_a, by_b = (unbroadcast(part, shape) for part, shape in zip(parts, self._shapes, strict=True))
        return None, by_a, by_b
