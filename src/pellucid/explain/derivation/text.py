"""A derivation as plain text."""

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from pellucid.explain.derivation.steps import Array, Derivation, LossStep, Nested, Operand, Step


def as_text(derivation: Derivation, *, digits: int = 8, most: int = 12) -> str:
    """Return the forward pass, the loss and the backward pass with their formulas and numbers.

    Args:
        derivation: of `backprop`.
        digits: significant ones of each number.
        most: a tensor of more numbers is summarised; whole it stands in the derivation.
    """
    return "\n".join(_Writer(digits, most).lines(derivation))


class _Writer:
    def __init__(self, digits: int, most: int) -> None:
        self._digits, self._most = digits, most
        self._read: Counter[str] = Counter()

    def lines(self, derivation: Derivation) -> Iterator[str]:
        """Yield the lines."""
        self._read.update(operand.source for step in derivation.steps for operand in step.operands)
        yield f"Forward pass of {derivation.network}"
        for number, step in enumerate(derivation.steps, 1):
            yield ""
            yield f"{number}. {step.name}: {step.kind}"
            yield from self._forward(step)
        yield ""
        yield from self._loss(derivation.loss)
        yield ""
        yield "Backward pass (dA stands for ∂E/∂A)"
        for number, step in reversed(list(enumerate(derivation.steps, 1))):
            yield ""
            yield f"{number}. {step.name}: {step.kind}"
            yield from self._backward(step)
        yield ""
        yield from self._gradients(derivation)
        yield ""
        yield from _agreement(derivation)

    def _forward(self, step: Step) -> Iterator[str]:
        yield f"   {step.forward.plain}"
        for operand in step.operands:
            yield f"   {operand.symbol} = {_origin(operand)} = {self._tensor(operand.value)}"
        yield f"   {step.symbol} = {self._tensor(step.output)}"
        yield from (f"   e.g. {line}" for line in step.worked[:1])
        yield from _unwritten(step)

    def _loss(self, loss: LossStep) -> Iterator[str]:
        for name, head in loss.heads.items():
            yield from self._compared(f"Loss of {name}: {head.kind}", head)
            yield ""
        if not loss.heads:
            yield from self._compared(f"Loss: {loss.kind}", loss)
            return
        yield f"Loss: {loss.kind}"
        yield f"   {loss.forward.plain}"
        yield from (f"   {line}" for line in loss.worked)
        for formula, gradient in zip(loss.backward, loss.gradient, strict=True):
            yield f"   {formula.plain} = {self._tensor(gradient)}"

    def _compared(self, title: str, loss: LossStep) -> Iterator[str]:
        yield title
        yield f"   {loss.forward.plain}"
        outputs, targets = loss.symbols
        yield f"   {outputs} = {self._tensor(loss.outputs)}"
        yield f"   {targets} = {self._tensor(loss.targets)}"
        yield f"   E = {self._number(loss.value)}"
        yield from (f"   {formula.plain}" for formula in loss.backward)
        yield f"   d{outputs} = {self._tensor(loss.gradient)}"
        yield from (f"   e.g. {line}" for line in loss.worked)
        yield from _unwritten(loss)

    def _backward(self, step: Step) -> Iterator[str]:
        if step.output_gradient is None:
            yield "   no gradient reaches it"
            return
        yield f"   d{step.symbol} = {self._tensor(step.output_gradient)}"
        yield from (f"   {formula.plain}" for formula in step.backward)
        for operand in step.operands:
            if operand.gradient is not None:
                part = " through this step" if self._read[operand.source] > 1 else ""
                yield f"   d{operand.symbol} = ∂E/∂{operand.source}{part} = {self._tensor(operand.gradient)}"
        yield from (f"   e.g. {line}" for line in step.worked[1:])

    def _gradients(self, derivation: Derivation) -> Iterator[str]:
        update = derivation.update
        if update is None:
            yield "Gradients"
            for name, gradient in derivation.gradients.items():
                yield f"   ∂E/∂{name} = {self._tensor(gradient)}"
            return
        yield f"One step of gradient descent, w' = w - η ∂E/∂w, η = {update.learning_rate:g}"
        yield from self._updated(derivation.gradients, update.parameters)
        yield f"   E after it = {self._number(update.loss)}"

    def _updated(self, gradients: Mapping[str, Array], after: Mapping[str, Array]) -> Iterator[str]:
        for name, gradient in gradients.items():
            yield f"   ∂E/∂{name} = {self._tensor(gradient)}"
            yield f"   {name}' = {self._tensor(after[name])}"

    def _number(self, value: float) -> str:
        return f"{value:.{self._digits}g}"

    def _tensor(self, value: Nested) -> str:
        return shown(value, digits=self._digits, most=self._most)


def shown(value: Nested, *, digits: int = 8, most: int = 12) -> str:
    """Return a tensor's numbers with so many significant digits; of more than `most` numbers a summary."""
    if isinstance(value, tuple):
        each_shown = ("none" if each is None else shown(each, digits=digits, most=most) for each in value)
        return f"({', '.join(each_shown)})"
    array = np.asarray(value)
    if array.size <= most:
        return _listed(array.tolist(), digits)
    first = ", ".join(f"{each:.{digits}g}" for each in array.ravel()[:3].tolist())
    shape = "×".join(map(str, array.shape))
    numbers = array[np.isfinite(array)].astype(np.float64)
    if not numbers.size:
        return f"{shape}: not finite; begins {first}"
    figures = ("mean", numbers.mean()), ("deviation", numbers.std()), ("least", numbers.min()), ("most", numbers.max())
    told = ", ".join(f"{name} {figure:.4g}" for name, figure in figures)
    lost = array.size - numbers.size
    return f"{shape}: {told}{f', {lost} not finite' if lost else ''}; begins {first}"


def _listed(value: object, digits: int) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_listed(each, digits) for each in value) + "]"
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def _origin(operand: Operand) -> str:
    """Return where an operand comes from."""
    if operand.is_parameter or operand.source.split()[0] in {"input", "constant"}:
        return operand.source
    return f"the output of {operand.source}"


def _unwritten(step: Step | LossStep) -> Iterator[str]:
    if not step.is_recomputed:
        yield "   NOT recomputed by a written formula: torch's own values, autograd's own gradients"
        if step.operations:
            yield f"   operations of its autograd graph: {', '.join(step.operations)}"


def _agreement(derivation: Derivation) -> Iterator[str]:
    yield f"The formulas against autograd: {derivation.agreement}"
    left = [step.name for step in derivation.steps if not step.is_recomputed]
    left += [] if derivation.loss.is_recomputed else ["the loss"]
    if left:
        yield f"Not recomputed, and so not compared: {', '.join(left)}"
