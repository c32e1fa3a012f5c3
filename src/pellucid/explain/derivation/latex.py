"""A derivation as LaTeX: the body of a document, for `amsmath`."""

import re
from collections.abc import Iterator

import numpy as np

from pellucid.explain.derivation.steps import Derivation, Formula, LossStep, Nested, Step

_GREEK = {"γ": r"\gamma", "β": r"\beta", "μ": r"\mu", "σ²": r"\sigma^2", "α": r"\alpha"}
_SPECIAL = {ord(each): "\\" + each for each in "_#%&${}"} | {ord("\\"): r"\textbackslash{}"}


def as_latex(derivation: Derivation, *, digits: int = 6, most: int = 12) -> str:
    """Return the derivation's formulas and numbers as LaTeX with the environments of amsmath.

    Args:
        derivation: of `backprop`.
        digits: significant ones of each number.
        most: a tensor of more numbers is given by its shape, mean and deviation.
    """
    writer = _Writer(digits, most)
    return "\n".join(writer.lines(derivation)) + "\n"


class _Writer:
    def __init__(self, digits: int, most: int) -> None:
        self._digits, self._most = digits, most

    def lines(self, derivation: Derivation) -> Iterator[str]:
        """Yield the lines."""
        yield r"\section*{Forward pass}"
        for step in derivation.steps:
            yield from self._step(step, [step.forward], self._forward(step))
        yield r"\section*{Loss}"
        yield from self._loss(derivation.loss)
        yield r"\section*{Backward pass}"
        for step in reversed(derivation.steps):
            if step.output_gradient is not None:
                yield from self._step(step, step.backward, self._backward(step))
        yield r"\section*{Gradients}"
        rows = [
            (rf"\frac{{\partial E}}{{\partial\,{_name(name)}}}", each) for name, each in derivation.gradients.items()
        ]
        yield from self._rows(rows)
        if derivation.update is not None:
            yield r"\section*{One step of gradient descent}"
            rate = derivation.update.learning_rate
            yield rf"\[ w' = w - \eta \frac{{\partial E}}{{\partial w}},\quad \eta = {rate:g} \]"
            rows = [(f"{_name(name)}'", each) for name, each in derivation.update.parameters.items()]
            yield from self._rows([*rows, ("E'", np.asarray(derivation.update.loss))])

    def _step(
        self, step: Step, formulas: list[Formula] | tuple[Formula, ...], rows: list[tuple[str, Nested]]
    ) -> Iterator[str]:
        yield rf"\paragraph{{{step.name.translate(_SPECIAL)}: {_words(step.kind)}}}"
        if not step.is_recomputed:
            told = ", ".join(each.translate(_SPECIAL) for each in step.operations)
            yield f"Not recomputed by a written formula; operations of its autograd graph: {told}."
        yield from (rf"\[ {formula.latex} \]" for formula in formulas)
        yield from self._rows(rows)

    def _forward(self, step: Step) -> list[tuple[str, Nested]]:
        rows = [(_symbol(each.symbol), each.value) for each in step.operands]
        return [*rows, (_symbol(step.symbol), step.output)]

    def _backward(self, step: Step) -> list[tuple[str, Nested]]:
        rows = [("d" + _symbol(each.symbol), each.gradient) for each in step.operands if each.gradient is not None]
        return [("d" + _symbol(step.symbol), step.output_gradient), *rows]

    def _loss(self, loss: LossStep) -> Iterator[str]:
        for name, head in loss.heads.items():
            yield rf"\paragraph{{{name.translate(_SPECIAL)}: {_words(head.kind)}}}"
            yield from self._loss(head)
        yield rf"\[ {loss.forward.latex} = {self._tensor(np.asarray(loss.value))} \]"
        yield from (rf"\[ {formula.latex} \]" for formula in loss.backward)
        outputs, targets = loss.symbols
        rows = [(outputs, loss.outputs), (targets, loss.targets), (f"d{outputs}", loss.gradient)]
        yield from self._rows(rows)

    def _rows(self, rows: list[tuple[str, Nested]]) -> Iterator[str]:
        if rows:
            yield r"\begin{align*}"
            yield " \\\\\n".join(f"{name} &= {self._tensor(value)}" for name, value in rows)
            yield r"\end{align*}"

    def _tensor(self, value: Nested) -> str:
        if isinstance(value, tuple):
            return r",\; ".join(r"\text{none}" if each is None else self._tensor(each) for each in value)
        array = np.asarray(value, dtype=np.float64)
        if array.size > self._most or array.ndim > 2 or not array.size:
            shape = r" \times ".join(map(str, array.shape))
            finite = array[np.isfinite(array)]
            if not finite.size:
                return rf"\text{{a tensor of }} {shape}"
            mean, deviation = self._number(float(finite.mean())), self._number(float(finite.std()))
            return rf"\text{{a tensor of }} {shape},\ \text{{mean }} {mean},\ \text{{deviation }} {deviation}"
        if not array.ndim:
            return self._number(float(array))
        rows = " \\\\ ".join(" & ".join(map(self._number, row)) for row in np.atleast_2d(array).tolist())
        return rf"\begin{{pmatrix}} {rows} \end{{pmatrix}}"

    def _number(self, value: float) -> str:
        return re.sub(
            r"e([+-])0*(\d+)$", lambda m: rf" \cdot 10^{{{m[1].strip('+')}{m[2]}}}", f"{value:.{self._digits}g}"
        )


def _symbol(symbol: str) -> str:
    """Return a symbol of the formulas as LaTeX: X1 has a subscript."""
    if symbol in _GREEK:
        return _GREEK[symbol]
    found = re.fullmatch(r"([A-Za-z])(?:_?)(\w*)", symbol)
    if found and found[2]:
        return rf"{found[1]}_{{\mathrm{{{found[2].translate(_SPECIAL)}}}}}"
    return symbol if len(symbol) == 1 else _name(symbol)


def _name(name: str) -> str:
    return rf"\mathtt{{{name.translate(_SPECIAL)}}}"


def _words(text: str) -> str:
    return text.translate(_SPECIAL).replace("×", r"$\times$")
