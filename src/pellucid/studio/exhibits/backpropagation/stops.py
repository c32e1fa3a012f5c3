"""The stops of one round, in order: forwards, the loss, backwards, the update, and the loss after it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pellucid.explain import Derivation
from pellucid.explain.derivation import Step

Phase = Literal["forward", "loss", "begin", "backward", "sum", "update", "after"]


@dataclass(frozen=True)
class Stop:
    """One stop.

    Attributes:
        phase: what is computed: an output, the loss, its gradient by the output, a gradient through one step, the sum
            of several such, a parameter's update, the loss after it.
        tensor: of which tensor: a step's name, a parameter's, or `loss`.
        step: the step that computes it, forwards or backwards; of `begin` and `sum` none.
        operand: which of the step's operands the tensor is, backwards.
        is_part: whether the gradient is one of several that a `sum` adds.
    """

    phase: Phase
    tensor: str
    step: str = ""
    operand: int = -1
    is_part: bool = False


def output_of(derivation: Derivation) -> str:
    """Return the step that gives the network's output."""
    return next(step.name for step in reversed(derivation.steps) if step.output is derivation.loss.outputs)


def stops_of(derivation: Derivation) -> tuple[Stop, ...]:
    """Return the stops of a round."""
    output = output_of(derivation)
    steps = {step.name: step for step in derivation.steps}
    backwards = [Stop("begin", output), *_backwards(derivation)]
    counts = Counter(stop.tensor for stop in backwards)
    left = Counter(counts)
    found = [Stop("forward", name, name) for name in steps]
    found.append(Stop("loss", "loss"))
    for stop in backwards:
        found.append(Stop(stop.phase, stop.tensor, stop.step, stop.operand, counts[stop.tensor] > 1))
        left[stop.tensor] -= 1
        if counts[stop.tensor] > 1 and not left[stop.tensor]:
            found.append(Stop("sum", stop.tensor))
    found += [Stop("update", name) for name in derivation.gradients]
    return (*found, Stop("after", "loss"))


def parts_of(stops: tuple[Stop, ...], tensor: str) -> tuple[Stop, ...]:
    """Return the stops whose gradients are added to that of a tensor."""
    return tuple(stop for stop in stops if stop.tensor == tensor and stop.phase in ("begin", "backward"))


def _backwards(derivation: Derivation) -> Iterator[Stop]:
    """Yield every gradient through a step: what is learned first, then what is handed on; not that of the input."""
    for step in reversed(derivation.steps):
        if step.output_gradient is not None:
            learned = [place for place, each in enumerate(step.operands) if each.is_parameter]
            others = [place for place, each in enumerate(step.operands) if not each.is_parameter]
            for place in (*learned, *others):
                if _is_walked(step, place):
                    yield Stop("backward", step.operands[place].source, step.name, place)


def _is_walked(step: Step, place: int) -> bool:
    operand = step.operands[place]
    return operand.gradient is not None and operand.source.split()[0] not in ("input", "constant")
