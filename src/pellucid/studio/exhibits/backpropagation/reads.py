"""Which numbers of the graph stand in the one that a stop computes."""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np

from pellucid.explain import Derivation
from pellucid.explain.derivation import Step, links, terms
from pellucid.studio.exhibits.backpropagation.stops import Stop, output_of

Place = tuple[int, ...]
Read: TypeAlias = tuple[str, str, int]
"""`v` a value or `g` a gradient, of which tensor, and which of its numbers along its rows; -1 is all of them."""


def reads(derivation: Derivation, stop: Stop, at: Place) -> Iterator[Read]:
    """Yield what the number at a place is computed from; of a sum of gradients nothing that the graph has."""
    loss = derivation.loss
    match stop.phase:
        case "forward":
            yield from _forward(derivation.step(stop.step), at)
        case "loss":
            yield from (("v", output_of(derivation), -1), ("v", "target", -1))
        case "begin":
            place = flat(at, np.shape(loss.outputs))
            is_alike = np.shape(loss.targets) == np.shape(loss.outputs)
            yield from (("v", output_of(derivation), place), ("v", "target", place if is_alike else -1))
        case "backward":
            yield from _backward(derivation.step(stop.step), stop.operand, at)


def flat(place: Place, shape: Place) -> int:
    """Return a place counted along the rows."""
    return int(np.ravel_multi_index(place, shape)) if shape else 0


def _forward(step: Step, at: Place) -> Iterator[Read]:
    found = terms(step, at)
    for term in found:
        yield _value(step, term.operand, term.place)
        if term.slope_is is not None:
            yield _value(step, *term.slope_is)
    if not found:
        for each in step.operands:
            is_alike = np.shape(each.value) == np.shape(step.output) and len(step.operands) == 1
            yield "v", each.source, flat(at, np.shape(each.value)) if is_alike and step.rule.numbers(at) else -1


def _backward(step: Step, operand: int, at: Place) -> Iterator[Read]:
    for link in links(step, operand, at):
        place = flat(link.place, np.shape(step.output))
        yield "g", step.name, place
        if link.slope_is is not None:
            yield _value(step, *link.slope_is)
        elif step.rule.numbers(link.place):
            yield "v", step.name, place


def _value(step: Step, operand: int, place: Place) -> Read:
    found = step.operands[operand]
    return "v", found.source, flat(place, np.shape(found.value))
