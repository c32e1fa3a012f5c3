"""Sums, products and quotients of two tensors, sums and means of one."""

from abc import abstractmethod
from collections.abc import Sequence
from math import prod

import numpy as np

from pellucid.explain.derivation.operation import Operation, first_of, number, place, unbroadcast
from pellucid.explain.derivation.steps import Array, Formula


class _OfTwo(Operation):
    """An operation on two tensors, number by number; one of fewer dimensions is repeated."""

    symbols = ("A", "B")
    sign = ""

    def forward(self, a: Array, b: Array) -> Array:
        """Return the result."""
        self._a, self._b = a, b
        self._y = np.asarray(self._of(a, b))
        return self._y

    def backward(self, gradient: Array) -> tuple[Array, Array]:
        """Return both gradients, summed where an operand was repeated."""
        by_a, by_b = self._gradients(gradient)
        return unbroadcast(by_a, self._a.shape), unbroadcast(by_b, self._b.shape)

    def worked(self, gradient: Array | None) -> tuple[str, ...]:  # noqa: ARG002 (the backward formulas are as short)
        """Return the first number."""
        first = first_of(self._y)
        a, b = (number(np.broadcast_to(each, self._y.shape)[first]) for each in (self._a, self._b))
        return (f"Y{place(first)} = {a} {self.sign} {b} = {number(self._y[first])}",)

    @abstractmethod
    def _of(self, a: Array, b: Array) -> Array: ...

    @abstractmethod
    def _gradients(self, gradient: Array) -> tuple[Array, Array]: ...


_REPEATED = ", summed where it is repeated"


class Sum(_OfTwo):
    """Y = A + B."""

    kind, sign = "sum", "+"
    linear_in = (0, 1)
    forward_formula = Formula("Y = A + B", "Y = A + B")
    backward_formulas = (Formula("dA = dY" + _REPEATED, "dA = dY"), Formula("dB = dY" + _REPEATED, "dB = dY"))

    def _of(self, a: Array, b: Array) -> Array:
        return np.add(a, b)

    def _gradients(self, gradient: Array) -> tuple[Array, Array]:
        return gradient, gradient


class Difference(_OfTwo):
    """Y = A - B."""

    kind, sign = "difference", "-"
    linear_in = (0, 1)
    forward_formula = Formula("Y = A - B", "Y = A - B")
    backward_formulas = (Formula("dA = dY" + _REPEATED, "dA = dY"), Formula("dB = -dY" + _REPEATED, "dB = -dY"))

    def _of(self, a: Array, b: Array) -> Array:
        return np.subtract(a, b)

    def _gradients(self, gradient: Array) -> tuple[Array, Array]:
        return gradient, -gradient


class Product(_OfTwo):
    """Y = A ∘ B."""

    kind, sign = "product", "·"
    linear_in = (0,)
    forward_formula = Formula("Y = A ∘ B", r"Y = A \circ B")
    backward_formulas = (
        Formula("dA = dY ∘ B" + _REPEATED, r"dA = dY \circ B"),
        Formula("dB = dY ∘ A" + _REPEATED, r"dB = dY \circ A"),
    )

    def _of(self, a: Array, b: Array) -> Array:
        return np.multiply(a, b)

    def _gradients(self, gradient: Array) -> tuple[Array, Array]:
        return gradient * self._b, gradient * self._a

    def slope_is(self, operand: int, of: Sequence[int], at: Sequence[int]) -> tuple[int, tuple[int, ...]] | None:
        """Return the other factor, where none is repeated."""
        is_there = self._a.shape == self._b.shape and tuple(of) == tuple(at)
        return (1 - operand, tuple(at)) if is_there else None


class Quotient(_OfTwo):
    """Y = A / B."""

    kind, sign = "quotient", "/"
    forward_formula = Formula("Y = A / B", "Y = A / B")
    backward_formulas = (
        Formula("dA = dY / B" + _REPEATED, "dA = dY / B"),
        Formula("dB = -dY ∘ A / B²" + _REPEATED, r"dB = -dY \circ A / B^2"),
    )

    def _of(self, a: Array, b: Array) -> Array:
        return np.divide(a, b)

    def _gradients(self, gradient: Array) -> tuple[Array, Array]:
        return gradient / self._b, -gradient * self._a / self._b**2


class Reduction(Operation):
    """The sum, or the mean, over some dimensions.

    Args:
        axes: the dimensions; None is all of them.
        keeps: whether they stay, with length 1.
        is_mean: whether the sum is divided by the count.
    """

    symbols = ("X",)
    linear_in = (0,)

    def __init__(self, axes: tuple[int, ...] | None, *, keeps: bool, is_mean: bool) -> None:
        self._axes, self._keeps, self._is_mean = axes, keeps, is_mean
        over = "all numbers" if axes is None else "dimension " + ", ".join(map(str, axes))
        self.kind = f"{'mean' if is_mean else 'sum'} over {over}"
        self.forward_formula = (
            Formula("y = 1/n Σ x", r"y = \frac{1}{n} \sum x") if is_mean else Formula("y = Σ x", r"y = \sum x")
        )
        self.backward_formulas = (
            Formula("dx = dy / n", r"dx = \frac{1}{n}\, dy") if is_mean else Formula("dx = dy", "dx = dy"),
        )

    def forward(self, x: Array) -> Array:
        """Return the sums or means."""
        self._shape = x.shape
        axes = range(x.ndim) if self._axes is None else self._axes
        self._over = tuple(axis % x.ndim for axis in axes)
        reduce = np.mean if self._is_mean else np.sum
        return np.asarray(reduce(x, axis=self._over, keepdims=self._keeps))

    def backward(self, gradient: Array) -> tuple[Array]:
        """Return the gradient spread over what was summed."""
        kept = [1 if axis in self._over else length for axis, length in enumerate(self._shape)]
        count = prod(self._shape[axis] for axis in self._over) if self._is_mean else 1
        return (np.broadcast_to(gradient.reshape(kept) / count, self._shape).copy(),)
