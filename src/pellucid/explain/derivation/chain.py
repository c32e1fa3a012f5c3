"""A step's numbers taken apart one by one: the chain rule ∂E/∂x = Σ ∂E/∂y · ∂y/∂x, and forwards y = Σ ∂y/∂x · x.

The slopes come from the written backward formulas: of a gradient that is 1 at y and 0 elsewhere they make ∂y/∂x.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from pellucid.explain.derivation.steps import Array, Step

Place: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """One term of the chain rule.

    Attributes:
        place: of y in the step's output.
        gradient: ∂E/∂y.
        slope: ∂y/∂x.
        slope_is: the operand and the place in it whose number the slope is, as w of ∂(w x)/∂x; None: none.
    """

    place: Place
    gradient: float
    slope: float
    slope_is: tuple[int, Place] | None


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a number of the output.

    Attributes:
        operand: whose number x is read.
        place: of x in it.
        value: x.
        slope: ∂y/∂x.
        slope_is: as of a link.
    """

    operand: int
    place: Place
    value: float
    slope: float
    slope_is: tuple[int, Place] | None


def links(step: Step, operand: int, at: Sequence[int]) -> tuple[Link, ...]:
    """Return the terms of ∂E/∂x through a step, over all y that x acts on; their sum is the gradient.

    Args:
        step: of a derivation.
        operand: which of the step's operands x is a number of.
        at: its place there.

    Returns:
        None of a step that is not recomputed, gives several tensors, or that no gradient reaches.

    Raises:
        IndexError: there is no such operand or place.
    """
    place, shape = tuple(at), np.shape(step.operands[operand].value)
    np.empty(shape)[place]
    gradient = step.output_gradient
    if not step.is_recomputed or not isinstance(gradient, np.ndarray):
        return ()
    found = []
    for of, jacobian in _jacobians(step, gradient.shape, operand):
        slope, slope_is = float(jacobian[place]), step.rule.slope_is(operand, of, place)
        is_own = gradient.shape == shape and of == place  # a slope of 0 there is what a dead ReLU has
        if slope or slope_is is not None or is_own:
            found.append(Link(of, float(gradient[of]), slope, slope_is))
    nonzero = [link for link in found if link.slope or link.slope_is is not None]
    return tuple(nonzero or found)


def terms(step: Step, at: Sequence[int]) -> tuple[Term, ...]:
    """Return the terms whose sum a number of a step's output is, where the step is linear in some operands; else none.

    Args:
        step: of a derivation.
        at: the number's place in the output.

    Raises:
        IndexError: there is no such place.
    """
    of = tuple(at)
    if not step.rule.linear_in or not isinstance(step.output, np.ndarray):
        return ()
    one = np.zeros(step.output.shape)
    one[of] = 1.0
    slopes = step.rule.backward(one)
    found = []
    for operand in step.rule.linear_in:
        values = np.asarray(step.operands[operand].value)
        for place in np.ndindex(values.shape):
            slope, slope_is = float(slopes[operand][place]), step.rule.slope_is(operand, of, place)
            if slope or slope_is is not None:
                found.append(Term(operand, place, float(values[place]), slope, slope_is))
    return tuple(found)


def _jacobians(step: Step, shape: Place, operand: int) -> Iterator[tuple[Place, Array]]:
    """Yield, for each place y of the output, ∂y by the operand's numbers."""
    one = np.zeros(shape)
    for of in np.ndindex(shape):
        one[of] = 1.0
        yield of, step.rule.backward(one)[operand]  # it may be a view of `one`: it is read before the next
        one[of] = 0.0
