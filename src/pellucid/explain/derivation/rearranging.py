"""What moves numbers and changes none: every gradient goes back to where its number came from."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pellucid.explain.derivation.operation import Operation
from pellucid.explain.derivation.steps import Array, Formula, Nested

_BACK = Formula("dX = dY in the shape of X", r"dX = dY \text{ in the shape of } X")


class Reshaping(Operation):
    """The same numbers in another shape: flatten, reshape, squeeze, and what copies or leaves them (dropout at rest).

    Args:
        kind: what it is called.
        shape: of the result; None leaves it.
    """

    symbols = ("X",)
    linear_in = (0,)
    backward_formulas = (_BACK,)

    def __init__(self, kind: str, shape: Sequence[int] | None = None) -> None:
        self.kind, self._to = kind, shape
        self.forward_formula = (
            Formula("Y = X", "Y = X")
            if shape is None
            else Formula(f"Y = X as {tuple(shape)}", r"Y = X \text{ in the shape } " + "×".join(map(str, shape)))
        )

    def forward(self, x: Array) -> Array:
        """Return the numbers in their new shape."""
        self._from = x.shape
        return x if self._to is None else x.reshape(self._to)

    def backward(self, gradient: Array) -> tuple[Array]:
        """Return the gradient in the old shape."""
        return (gradient.reshape(self._from),)


class Transposition(Operation):
    """The dimensions in another order.

    Args:
        order: the old number of each new dimension.
    """

    kind = "transposition"
    symbols = ("X",)
    linear_in = (0,)
    forward_formula = Formula("Y = Xᵀ", r"Y = X^\top")
    backward_formulas = (Formula("dX = dYᵀ", r"dX = dY^\top"),)

    def __init__(self, order: Sequence[int]) -> None:
        self._order = tuple(order)
        if self._order != (1, 0):
            order_text = ", ".join(map(str, order))
            self.forward_formula = Formula(
                f"Y = X, its dimensions in the order {order_text}", rf"Y = X^{{({order_text})}}"
            )
            self.backward_formulas = (Formula("dX = dY, its dimensions put back", r"dX = dY^{-1}"),)

    def forward(self, x: Array) -> Array:
        """Return the transposed tensor."""
        return x.transpose(self._order)

    def backward(self, gradient: Array) -> tuple[Array]:
        """Return the gradient transposed back."""
        return (gradient.transpose(np.argsort(self._order)),)


class Expansion(Operation):
    """The same numbers again along dimensions of length 1.

    Args:
        shape: of the result.
    """

    kind = "repetition"
    symbols = ("X",)
    linear_in = (0,)
    backward_formulas = (Formula("dX = sum of dY over the repetitions", r"dX = \sum dY"),)

    def __init__(self, shape: Sequence[int]) -> None:
        self._to = tuple(shape)
        self.forward_formula = Formula(f"Y = X repeated to {self._to}", r"Y = X \text{ repeated}")

    def forward(self, x: Array) -> Array:
        """Return the repeated tensor."""
        self._from = (1,) * (len(self._to) - x.ndim) + x.shape
        self._shape = x.shape
        return np.broadcast_to(x, self._to)

    def backward(self, gradient: Array) -> tuple[Array]:
        """Return the sums over the repetitions."""
        repeated = tuple(axis for axis, length in enumerate(self._from) if length == 1)
        return (gradient.sum(axis=repeated, keepdims=True).reshape(self._shape),)


class Joining(Operation):
    """Tensors side by side, or (`is_stack`) along a new dimension.

    Args:
        count: how many.
        axis: the dimension.
        is_stack: whether it is a new one.
    """

    def __init__(self, count: int, axis: int, *, is_stack: bool) -> None:
        self._axis, self._is_stack = axis, is_stack
        self.kind = f"{'stacking' if is_stack else 'joining'} along dimension {axis}"
        self.symbols = tuple(f"X{place}" for place in range(1, count + 1))
        self.linear_in = tuple(range(count))
        self.forward_formula = Formula(f"Y = [{', '.join(self.symbols)}]", rf"Y = [X_1, \dots, X_{{{count}}}]")
        self.backward_formulas = (
            Formula("dX1, dX2, ... = the pieces of dY", rf"[dX_1, \dots, dX_{{{count}}}] = dY"),
        )  # fmt: skip

    def forward(self, *operands: Array) -> Array:
        """Return the tensors joined."""
        self._widths = [each.shape[self._axis] if not self._is_stack else 1 for each in operands]
        return np.stack(operands, self._axis) if self._is_stack else np.concatenate(operands, self._axis)

    def backward(self, gradient: Array) -> tuple[Array, ...]:
        """Return each tensor's piece."""
        pieces = np.split(gradient, np.cumsum(self._widths)[:-1], self._axis)
        return tuple(each.squeeze(self._axis) if self._is_stack else each for each in pieces)


class Selection(Operation):
    """Some of the numbers, X[index]; of several tensors, one of them.

    Args:
        index: an index as NumPy understands it.
        written: how it is shown.
    """

    kind = "selection"
    symbols = ("X",)
    linear_in = (0,)
    backward_formulas = (Formula("dX = dY where it was taken from, else 0", r"dX[\cdot] = dY,\; 0 \text{ elsewhere}"),)

    def __init__(self, index: Any, written: str) -> None:
        self._index = index
        self.forward_formula = Formula(f"Y = X[{written}]", rf"Y = X[\mathtt{{{written}}}]")

    def forward(self, x: Nested) -> Nested:
        """Return what is selected."""
        self._x = x
        return x[self._index]

    def backward(self, gradient: Nested) -> tuple[Nested]:
        """Return the gradient in its place among zeros; of several tensors, among None."""
        if isinstance(self._x, tuple):
            chosen = range(len(self._x))[self._index]
            return (tuple(gradient if place == chosen else None for place in range(len(self._x))),)
        by_x = np.zeros(self._x.shape)
        np.add.at(by_x, self._index, gradient)
        return (by_x,)


class Division(Operation):
    """A tensor cut into several along a dimension: chunk, split, unbind.

    Args:
        cut: X -> its pieces, as views.
    """

    kind = "cut into pieces"
    symbols = ("X",)
    forward_formula = Formula("(Y1, Y2, ...) = the pieces of X", r"[Y_1, Y_2, \dots] = X")
    backward_formulas = (Formula("dX = [dY1, dY2, ...]", r"dX = [dY_1, dY_2, \dots]"),)

    def __init__(self, cut: Callable[[Array], Sequence[Array]]) -> None:
        self._cut = cut

    def forward(self, x: Array) -> tuple[Array, ...]:
        """Return the pieces."""
        self._shape = x.shape
        return tuple(self._cut(x))

    def backward(self, gradient: tuple[Array | None, ...]) -> tuple[Array]:
        """Return the pieces' gradients together; of a piece that is not used, zeros."""
        by_x = np.zeros(self._shape)
        for place, piece in zip(self._cut(by_x), gradient, strict=True):
            if piece is not None:
                place += piece  # noqa: PLW2901 (a view: this writes into by_x)
        return (by_x,)


class Padding(Operation):
    """A constant around a tensor.

    Args:
        widths: before and behind each dimension; a negative one cuts off.
        value: the constant.
    """

    kind = "padding"
    symbols = ("X",)
    backward_formulas = (Formula("dX = dY without the border", r"dX = dY \text{ without the border}"),)

    def __init__(self, widths: Sequence[tuple[int, int]], value: float) -> None:
        self._widths, self._value = widths, value
        self.forward_formula = Formula(f"Y = X within a border of {value:g}", rf"Y = X \text{{ within }} {value:g}")

    def forward(self, x: Array) -> Array:
        """Return the padded tensor."""
        self._inside = tuple(slice(max(before, 0), max(before, 0) + n + min(before, 0) + min(after, 0))
                             for n, (before, after) in zip(x.shape, self._widths, strict=True))  # fmt: skip
        self._kept = tuple(slice(max(-before, 0), n - max(-after, 0))
                           for n, (before, after) in zip(x.shape, self._widths, strict=True))  # fmt: skip
        self._shape = x.shape
        border = [(max(before, 0), max(after, 0)) for before, after in self._widths]
        return np.pad(x[self._kept], border, constant_values=self._value)

    def backward(self, gradient: Array) -> tuple[Array]:
        """Return the gradient of the inside."""
        by_x = np.zeros(self._shape)
        by_x[self._kept] = gradient[self._inside]
        return (by_x,)
