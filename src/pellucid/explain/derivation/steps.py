"""What a derivation is, as plain data: its steps in the order of the forward pass, their formulas and numbers.

All numbers are float64 NumPy arrays, whole: only `text` and `latex` shorten them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pellucid.notebook import card, facts, folded, formulas, paragraph

Array: TypeAlias = NDArray[Any]
Nested: TypeAlias = Any
"""An array, None where there is no gradient, or tuples of them where a layer gives several tensors."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula twice: as plain text and as LaTeX (without dollar signs)."""

    plain: str
    latex: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the written formulas and autograd are apart.

    Attributes:
        absolute: the largest difference of two numbers.
        relative: the largest difference within a tensor over that tensor's largest number, of the tensor where that is
            most; not number by number, for where terms cancel to nearly zero only rounding is left. So of a
            gradient that cancels as a whole (a bias before batch normalisation): it is taken over the largest number of
            the gradient that a parameter's is summed from, or a millionth of the largest of all, where these are more.
        compared: how many numbers were.
    """

    absolute: float
    relative: float
    compared: int

    def __str__(self) -> str:
        return f"{self.absolute:.1e} absolute, {self.relative:.1e} relative, over {self.compared:,} numbers"


def agreement(pairs: list[tuple[Nested, Nested]], least: float = 0.0) -> Agreement:
    """Return the agreement of recomputed values with autograd's; None stands for zeros.

    Args:
        pairs: ours and theirs.
        least: what a relative difference is at least taken of.
    """
    return overall([part for ours, theirs in pairs for part in _compared(ours, theirs, least)])


def overall(parts: list[Agreement]) -> Agreement:
    """Return the agreement over several parts."""
    return Agreement(
        max((part.absolute for part in parts), default=0.0),
        max((part.relative for part in parts), default=0.0),
        sum(part.compared for part in parts),
    )


def _compared(ours: Nested, theirs: Nested, least: float) -> list[Agreement]:
    if isinstance(ours, tuple) or isinstance(theirs, tuple):
        width = len(ours if isinstance(ours, tuple) else theirs)
        both = (each if isinstance(each, tuple) else (None,) * width for each in (ours, theirs))
        return [part for our, their in zip(*both, strict=True) for part in _compared(our, their, least)]
    if ours is None and theirs is None:
        return []
    ours, theirs = (np.asarray(0.0 if each is None else each, dtype=np.float64) for each in (ours, theirs))
    count = max(ours.size, theirs.size)
    if not count:
        return []
    with np.errstate(invalid="ignore"):  # infinities on both sides agree
        apart = np.where(ours == theirs, 0.0, np.abs(ours - theirs))
    absolute = float(apart.max())
    largest = float(max(np.abs(ours).max(), np.abs(theirs).max(), least))
    return [Agreement(absolute, absolute / largest if absolute else 0.0, count)]


@dataclass(frozen=True, slots=True)
class Operand:
    """A tensor that a step reads.

    Attributes:
        symbol: what the step's formulas call it: X, W, b.
        source: the step or parameter it comes from, `input` (of several `input 1`, ...), `target`, or `constant`.
        is_parameter: whether it is learned.
        value: its numbers.
        gradient: ∂E by it through this step alone; None where there is none. What several steps read has the sum of
            theirs.
    """

    symbol: str
    source: str
    is_parameter: bool
    value: Nested
    gradient: Nested


class Rule(Protocol):
    """What a step does, as far as `chain` takes its numbers apart: an `Operation`, which tells more of these."""

    linear_in: tuple[int, ...]

    def backward(self, gradient: Any) -> tuple[Nested, ...]:
        """Return the gradients by the operands."""

    def slope_is(self, operand: int, of: Sequence[int], at: Sequence[int]) -> tuple[int, tuple[int, ...]] | None:
        """Return which operand's number a slope is."""

    def numbers(self, at: Sequence[int]) -> Mapping[str, float]:
        """Return what other letters of the formulas stand for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A layer or an operation, forwards and backwards.

    Attributes:
        name: of the module (`fc1`), or of the operation as torch.fx names it (`add_1`).
        kind: what it is, in words.
        operands: what it reads.
        symbol: what the formulas call its output.
        output: its numbers.
        output_gradient: ∂E by the output, the sum over all steps that read it.
        forward: the formula of the output.
        backward: the formulas of the operands' gradients, in their order.
        worked: both formulas with the numbers put in, for one element.
        is_recomputed: whether output and gradients come from the written formulas. Where not, they are torch's and
            autograd's own.
        operations: names of the autograd graph's operations, where it is not recomputed.
        agreement: of output, its gradient and those of the parameters with autograd; None where not recomputed.
        rule: what `chain` takes single numbers apart with.
    """

    name: str
    kind: str
    operands: tuple[Operand, ...]
    symbol: str
    output: Nested
    output_gradient: Nested
    forward: Formula
    backward: tuple[Formula, ...]
    worked: tuple[str, ...]
    is_recomputed: bool
    operations: tuple[str, ...]
    agreement: Agreement | None
    rule: Rule = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class LossStep:
    """The loss and the gradient with which the backward pass begins.

    Attributes:
        kind: what it is, in words.
        symbols: what the formulas call outputs and targets.
        value: E.
        outputs, targets: what it compares; of a network of several outputs tuples, in the order of `heads`.
        gradient: ∂E by the outputs.
        heads: of several outputs, the loss of each by its name, with the gradient by it alone, before it is weighted;
            this one is their sum. The sum's agreement is theirs too.
        forward, backward, worked: as of a step.
        is_recomputed, operations, agreement, rule: as of a step.
    """

    kind: str
    symbols: tuple[str, ...]
    value: float
    outputs: Nested
    targets: Nested
    gradient: Nested
    forward: Formula
    backward: tuple[Formula, ...]
    worked: tuple[str, ...]
    is_recomputed: bool
    operations: tuple[str, ...]
    agreement: Agreement | None
    rule: Rule = field(repr=False, compare=False)
    heads: Mapping[str, "LossStep"] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """One step down the gradient, w' = w - η ∂E/∂w.

    Attributes:
        learning_rate: η.
        parameters: name -> w'.
        loss: E after it, of the same samples.
    """

    learning_rate: float
    parameters: Mapping[str, Array]
    loss: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Derivation:
    """A forward pass, its loss, and the backward pass.

    Attributes:
        network: the class of the model.
        steps: in the order of the forward pass; the backward pass goes through them from the end.
        loss: what stands at the end.
        gradients: parameter -> ∂E by it, summed over all steps that read it.
        update: where a learning rate was given.
        agreement: of everything that was recomputed with autograd.
    """

    network: str
    steps: tuple[Step, ...]
    loss: LossStep
    gradients: Mapping[str, Array]
    update: Update | None
    agreement: Agreement

    def _repr_html_(self) -> str:
        """Return the formulas, forwards and backwards, as a notebook sets them."""
        forward = [(step.name, step.kind, [step.forward.latex]) for step in self.steps]
        backward = [
            (step.name, step.kind, [formula.latex for formula in step.backward])
            for step in reversed(self.steps)
            if step.output_gradient is not None
        ]
        loss = ("loss", self.loss.kind, [self.loss.forward.latex, *(each.latex for each in self.loss.backward)])
        worked = [line for step in self.steps for line in (f"{step.name}: {step.kind}", *step.worked, "")]
        return card(
            f"derivation of {self.network}",
            facts([("loss", f"{self.loss.value:.6g}"), ("agrees with autograd", str(self.agreement))]),
            paragraph("forwards"), formulas([*forward, loss]),
            paragraph("backwards"), formulas(backward),
            folded("with numbers", "\n".join([*worked, *self.loss.worked])),
        )  # fmt: skip

    def step(self, name: str) -> Step:
        """Return the step of that name.

        Raises:
            KeyError: there is none.
        """
        try:
            return next(step for step in self.steps if step.name == name)
        except StopIteration:
            raise KeyError(f"no step '{name}'; there are {', '.join(step.name for step in self.steps)}") from None
