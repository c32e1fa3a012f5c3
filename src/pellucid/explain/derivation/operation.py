"""What an operation of a derivation is: its formulas and its numbers, forwards and backwards.

Everything here and in its subclasses is NumPy, which knows no autograd.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pellucid.explain.derivation.steps import Array, Formula, Nested


class Operation(ABC):
    """One operation. An instance is of one place in a network: `forward` keeps what `backward` needs.

    Attributes:
        kind: what it is, in words.
        symbols: what the formulas call the operands, in order.
        output: what they call the result.
        forward_formula: the formula of the result.
        backward_formulas: of the operands' gradients.
        is_recomputed: whether the numbers come from them.
        operations: names of the autograd graph's operations, of what has no written formula.
        linear_in: the operands in which the result is linear: each of its numbers is the sum over theirs of number
            times slope. Empty where it is not so.
    """

    kind: str
    symbols: Sequence[str]
    output: str = "Y"
    forward_formula: Formula
    backward_formulas: Sequence[Formula]
    is_recomputed: bool = True
    operations: tuple[str, ...] = ()
    linear_in: tuple[int, ...] = ()

    @abstractmethod
    def forward(self, *operands: Any) -> Nested:
        """Return the result."""

    @abstractmethod
    def backward(self, gradient: Any) -> tuple[Nested, ...]:
        """Return the gradient by each operand, None where it has none.

        Args:
            gradient: of the loss by what `forward` returned.
        """

    def worked(self, gradient: Any) -> tuple[str, ...]:  # noqa: ARG002 (where there is little to say, nothing is)
        """Return the formulas of one element with the numbers put in.

        Args:
            gradient: of the loss by what `forward` returned, or None.
        """
        return ()

    def slope_is(self, operand: int, of: Sequence[int], at: Sequence[int]) -> tuple[int, tuple[int, ...]] | None:  # noqa: ARG002 (of most, no slope is such a number)
        """Return the operand's number that the slope of one number of the result is, by its place; None: it is none.

        Args:
            operand: the number of the operand by which is derived.
            of: the place in the result.
            at: the place in that operand.
        """
        return None

    def numbers(self, at: Sequence[int]) -> Mapping[str, float]:  # noqa: ARG002 (most formulas have operands alone)
        """Return what the letters of the formulas stand for at one place, other than operands: LaTeX -> number."""
        return {}


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor that the network computes, or that is its input or a parameter.

    Attributes:
        source: a step's name, a parameter's or `input`.
        is_parameter: whether the second.
        array: its numbers, as torch had them; not part of what it is.
    """

    source: str
    is_parameter: bool
    array: Nested = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """An operation and what it reads: values, parameters of a layer (by `Own`), or plain numbers."""

    operation: Operation
    operands: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Own:
    """A parameter or buffer of the layer that is described, by its name there."""

    name: str


def unbroadcast(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Return a gradient summed over the dimensions along which an operand of that shape was repeated."""
    extra = gradient.ndim - len(shape)
    repeated = [
        axis for axis, length in enumerate(gradient.shape) if axis < extra or (shape[axis - extra] == 1 and length > 1)
    ]
    total: Array = gradient.sum(axis=tuple(repeated), keepdims=True) if repeated else gradient
    return total.reshape(shape)


def added(first: Nested, second: Nested) -> Nested:
    """Return the sum of two gradients of one value; None is none."""
    if first is None or second is None:
        return second if first is None else first
    if isinstance(first, tuple):
        return tuple(added(*pair) for pair in zip(first, second, strict=True))
    return first + second


def number(value: float) -> str:
    """Return a number as the worked lines write it."""
    return f"{float(value):.8g}"


def place(index: Sequence[int]) -> str:
    """Return an element's place as a subscript, counted from 1 as formulas do: [1,2]."""
    return f"[{','.join(str(each + 1) for each in index)}]"


def sum_of_products(left: Array, right: Array, most: int = 6) -> str:
    """Return `a·b + c·d + ...` of two rows; of long ones the first few."""
    terms = [f"{number(a)}·{number(b)}" for a, b in zip(left[:most], right[:most], strict=True)]
    rest = [f"({len(left) - most} more)"] if len(left) > most else []
    return " + ".join(terms + rest)


def first_of(array: Array) -> tuple[int, ...]:
    """Return the place of the first element."""
    return tuple(int(each) for each in np.zeros(array.ndim, dtype=int))
