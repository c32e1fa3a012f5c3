"""What the page shows of one stop: its formula in general, in this layer's letters, and with the numbers put in."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pellucid.explain import Derivation
from pellucid.explain.derivation import Step, links, rewritten, terms
from pellucid.studio.exhibits.backpropagation.naming import Name
from pellucid.studio.exhibits.backpropagation.reads import Read, reads
from pellucid.studio.exhibits.backpropagation.stops import Stop, output_of, parts_of

Place = tuple[int, ...]
_LARGEST = 12
"""Numbers of a tensor that a formula writes out as a matrix."""


@dataclass(frozen=True)
class Line:
    """left = part = part = ...; each part is a sum of terms, which the page shortens where there are many."""

    left: str
    parts: list[list[str]]


@dataclass(frozen=True)
class Worked:
    """A stop written out, all in LaTeX.

    Attributes:
        general: the rule it follows.
        layer: the same in this layer's letters.
        matrix: with the tensors' numbers put in, where they are small; else empty.
        symbols: one element in letters.
        numbers: the same element with its numbers, and its value at the end.
        reads: the numbers that stand in it: `v` a value or `g` a gradient, of which tensor, counted along its rows; -1
            is all of them.
    """

    general: list[str]
    layer: list[str]
    matrix: str = ""
    symbols: list[Line] = field(default_factory=list)
    numbers: list[Line] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)


class Writer:
    """Writes the stops of one derivation.

    Args:
        derivation: of the round.
        names: of its tensors.
        stops: of the round.
        digits: significant ones.
    """

    def __init__(self, derivation: Derivation, names: Mapping[str, Name], stops: tuple[Stop, ...], digits: int) -> None:
        self.derivation, self.names, self.stops, self.digits = derivation, names, stops, digits
        self.steps = {step.name: step for step in derivation.steps}

    def written(self, stop: Stop, at: Place) -> Worked:
        """Return a stop of the forward or backward pass; `at` is the number that is worked through."""
        match stop.phase:
            case "forward":
                made = self._forward(self.steps[stop.step], at)
            case "loss":
                made = self._loss()
            case "begin":
                made = self._begin(at, is_part=stop.is_part)
            case "backward":
                made = self._backward(stop, at)
            case _:
                made = self._sum(stop, at)
        return replace(made, reads=list(dict.fromkeys(reads(self.derivation, stop, at))))

    def number(self, value: float) -> str:
        """Return a number as LaTeX."""
        if not np.isfinite(value):
            return r"\mathrm{NaN}" if np.isnan(value) else r"\infty" if value > 0 else r"-\infty"
        text = f"{value:.{self.digits}g}"
        return re.sub(r"e([+-])0*(\d+)$", lambda m: rf"\cdot10^{{{m[1].strip('+')}{m[2]}}}", text)

    def factor(self, value: float) -> str:
        """Return a number as it stands in a product: a negative one in brackets."""
        text = self.number(value)
        return f"({text})" if text.startswith("-") else text

    def element(self, source: str, at: Place, size: int = 2, prefix: str = "") -> str:
        """Return how one number of a tensor is called: `W_2[1,2]`, of a tensor of one number `W_2`."""
        place = "[" + ",".join(str(each + 1) for each in at) + "]" if at and size > 1 else ""
        return f"{prefix}{self.names[source].latex}{place}"

    def _letters(self, step: Step) -> dict[str, str]:
        """Return what stands for the letters of a step's formulas; a small one is that of a sample's row."""
        found = {step.symbol: self.names[step.name].latex}
        for operand in step.operands:
            constant = operand.source == "constant"
            found[operand.symbol] = self.number(float(operand.value)) if constant and np.size(operand.value) == 1 else (
                operand.symbol if constant else self.names[operand.source].latex)  # fmt: skip
        return found | {
            key.lower(): name[0].lower() + name[1:]
            for key, name in found.items() if re.fullmatch("[A-Z]", key) and re.match("[A-Z]", name)
        }  # fmt: skip

    def _forward(self, step: Step, at: Place) -> Worked:
        letters = self._letters(step)
        formula = _first(step.forward.latex)
        name = self.names[step.name].latex
        left = self.element(step.name, at, np.size(step.output))
        layer = [rewritten(formula, letters)]
        if not isinstance(step.output, np.ndarray):
            return Worked([], layer)
        value = self.number(float(step.output[at]))
        found = terms(step, at)
        if found:
            symbols, numbers = zip(*(self._term(step, each) for each in found), strict=True)
            matrix = self._filled(formula, step, step.output, name, {})
            return Worked(
                [], layer, matrix, [Line(left, [list(symbols)])], [Line(left, [list(numbers), [value]])]
            )  # fmt: skip
        if len(step.operands) == 1 and step.rule.numbers(at):
            operand, right = step.operands[0], formula.split("=", 1)[1]
            here = self.element(operand.source, at, np.size(operand.value))
            put = self.factor(float(operand.value[at]))
            return Worked([], layer, "", [Line(left, [[rewritten(right, {operand.symbol: here})]])],
                          [Line(left, [[rewritten(right, {operand.symbol: put})], [value]])])  # fmt: skip
        return Worked([], layer, "", [], [Line(left, [[value]])])

    def _term(self, step: Step, term: Any) -> tuple[str, str]:
        operand = step.operands[term.operand]
        x = (self.number(term.value) if operand.source == "constant"
             else self.element(operand.source, term.place, np.size(operand.value)))  # fmt: skip
        if term.slope_is is None and abs(term.slope) == 1:
            sign = "-" if term.slope < 0 else ""
            return sign + x, self.number(term.slope * term.value)
        return rf"{self._slope(step, term)}\,{x}", rf"{self.number(term.slope)}\cdot {self.factor(term.value)}"

    def _slope(self, step: Step, of: Any) -> str:
        """Return how a slope is called that is another operand's number; any other is its value."""
        if of.slope_is is None:
            return self.number(of.slope)
        operand = step.operands[of.slope_is[0]]
        if operand.source == "constant":
            return self.number(of.slope)
        return self.element(operand.source, of.slope_is[1], np.size(operand.value))

    def _loss(self) -> Worked:
        loss = self.derivation.loss
        letters = self._loss_letters()
        numbers = []
        if loss.worked and loss.worked[0].startswith("E = "):
            right = loss.worked[0].removeprefix("E = ").split(" = ")
            numbers = [Line("E", [[self._typeset(each)] for each in right[:-1]] + [[self.number(loss.value)]])]
        value = [Line("E", [[self.number(loss.value)]])]
        return Worked([], [rewritten(loss.forward.latex, letters)], "", [], numbers or value)

    def _loss_letters(self, at: Place | None = None) -> dict[str, str]:
        output, target = self.derivation.loss.symbols
        name, size = output_of(self.derivation), np.size(self.derivation.loss.outputs)
        place, hat = at or (), r"\hat Y"
        whole = {output: self.element(name, place, size), target: self.element("target", place, size)}
        return whole | {hat: self.element("target", place, size, r"\hat ")} if target == "Y" else whole

    def _typeset(self, text: str) -> str:
        """Return a worked line as LaTeX, with the digits asked for."""
        text = re.sub(r"\d+\.\d+(?:e[+-]?\d+)?", lambda match: self.number(float(match[0])), text)
        text = re.sub(r"\(\d+ more\)", r"\\dots", text)
        return text.replace("·", r"\cdot ").replace("²", "^2").replace("log ", r"\log ")

    def _begin(self, at: Place, *, is_part: bool) -> Worked:
        loss, output = self.derivation.loss, output_of(self.derivation)
        name, size = self.names[output].latex, np.size(loss.outputs)
        formula = _first(loss.backward[0].latex)
        right = formula.split("=", 1)[1]
        numbers = {loss.symbols[0]: float(loss.outputs[at])}
        if np.shape(loss.targets) == np.shape(loss.outputs):
            numbers[loss.symbols[1]] = float(loss.targets[at])
        numbers |= loss.rule.numbers(at)
        through = r"\big|_{E}" if is_part else ""
        left = self.element(output, at, size, "d") + through
        value = self.number(float(loss.gradient[at]))
        put = {letter: self.factor(each) for letter, each in numbers.items()}
        letters = self._loss_letters()
        return Worked(
            [rf"d{name} = \frac{{\partial E}}{{\partial {name}}}"], [rewritten(formula, letters)], "",
            [Line(left, [[rewritten(right, self._loss_letters(at))]])],
            [Line(left, [[rewritten(right, put)], [value]])],
        )  # fmt: skip

    def _backward(self, stop: Stop, at: Place) -> Worked:
        step = self.steps[stop.step]
        operand, y, x = step.operands[stop.operand], self.names[stop.step].latex, self.names[stop.tensor].latex
        formulas = step.backward
        whole = [formulas[stop.operand]] if len(formulas) == len(step.operands) else list(formulas)
        letters = self._letters(step)
        through = rf"\big|_{{{y}}}" if stop.is_part else ""
        left = self.element(stop.tensor, at, np.size(operand.value), "d") + through
        general = [
            rf"\frac{{\partial E}}{{\partial {x}}}" + (through or "")
            + rf" = \frac{{\partial E}}{{\partial {y}}}\,\frac{{\partial {y}}}{{\partial {x}}}"
        ]  # fmt: skip
        layer = [rewritten(each.latex, letters) for each in whole]
        value = self.number(float(operand.gradient[at]))
        found = links(step, stop.operand, at)
        if not found:
            return Worked(general, layer, "", [], [Line(left, [[value]])])
        pairs = [self._link(step, each) for each in found]
        matrix = self._filled(_first(whole[0].latex), step, operand.gradient, f"d{x}" + through, {"is": "gradient"})
        symbols, numbers = (
            [Line(left, [[each[0] for each in pairs]])],
            [Line(left, [[each[1] for each in pairs], [value]])],
        )
        slopes = self._slope_lines(step, whole[0].latex, found)
        return Worked(general, layer, matrix, [*slopes[0], *symbols], [*slopes[1], *numbers])

    def _link(self, step: Step, link: Any) -> tuple[str, str]:
        dy = self.element(step.name, link.place, np.size(step.output), "d")
        gradient = self.number(link.gradient)
        if link.slope_is is None and link.slope == 1:
            return dy, gradient
        slope = self._slope(step, link)
        if link.slope_is is None and step.rule.numbers(link.place):
            slope = f"g'({self.element(step.operands[0].source, link.place, np.size(step.output))})"
        return rf"{dy}\,{slope}", rf"{gradient}\cdot {self.factor(link.slope)}"

    def _slope_lines(self, step: Step, latex: str, found: Sequence[Any]) -> tuple[list[Line], list[Line]]:
        """Return how the slope of a function of each number comes about, in letters and in numbers."""
        match = re.search(r"g'\(Z\) = (.*)$", latex)
        if not match or len(found) != 1 or found[0].slope_is is not None:
            return [], []
        place, operand = found[0].place, step.operands[0]
        size = np.size(step.output)
        names = {
            operand.symbol: self.element(operand.source, place, size), step.symbol: self.element(step.name, place, size)
        }  # fmt: skip
        numbers = {operand.symbol: float(operand.value[place])} | dict(step.rule.numbers(place))
        put = {letter: self.factor(each) for letter, each in numbers.items()}
        left = f"g'({names[operand.symbol]})"
        right = match[1].replace(r"\circ", r"\cdot")
        value = self.number(found[0].slope)
        return [Line(left, [[rewritten(right, names)]])], [Line(left, [[rewritten(right, put)], [value]])]

    def _sum(self, stop: Stop, at: Place) -> Worked:
        x = self.names[stop.tensor].latex
        size = 1
        symbols, numbers, total = [], [], 0.0
        formula = []
        for part in parts_of(self.stops, stop.tensor):
            if part.phase == "begin":
                gradient, through = self.derivation.loss.gradient, "E"
            else:
                gradient = self.steps[part.step].operands[part.operand].gradient
                through = self.names[part.step].latex
            size = np.size(gradient)
            formula.append(rf"d{x}\big|_{{{through}}}")
            symbols.append(self.element(stop.tensor, at, size, "d") + rf"\big|_{{{through}}}")
            numbers.append(self.number(float(gradient[at])))
            total += float(gradient[at])
        left = self.element(stop.tensor, at, size, "d")
        general = rf"\frac{{\partial E}}{{\partial {x}}} = \sum_k \frac{{\partial E}}{{\partial Y_k}}\,"
        general += rf"\frac{{\partial Y_k}}{{\partial {x}}}"
        return Worked([general], [rf"d{x} = {' + '.join(formula)}"], "", [Line(left, [symbols])],
                      [Line(left, [numbers, [self.number(total)]])])  # fmt: skip

    def _filled(self, formula: str, step: Step, result: Any, left: str, more: Mapping[str, str]) -> str:
        """Return a product or sum of whole tensors with their numbers, where they are small enough; else nothing."""
        right = formula.split("=")[1]
        if "sum" in right or r"g'" in right or r"\text" in right or r"\quad" in right:
            return ""
        arrays = {operand.symbol: operand.value for operand in step.operands}
        values = [matrix(each, self.number) for each in (*arrays.values(), result)]
        gradient = matrix(step.output_gradient, self.number) if more else "-"
        if not all(values) or not gradient or max(map(np.size, arrays.values())) < 2:
            return ""
        letters = dict(zip(arrays, values, strict=False))
        return f"{left} = {rewritten(right, letters, {step.symbol: gradient})} = {values[-1]}"


def matrix(array: Any, number: Any) -> str:
    r"""Return a small tensor of one or two dimensions as LaTeX; of a larger one nothing.

    >>> print(matrix(np.array([[1.0, 2.0]]), str))
    \begin{pmatrix} 1.0 & 2.0 \end{pmatrix}
    """
    if not isinstance(array, np.ndarray) or array.size > _LARGEST or not array.size:
        return ""
    shape = [length for length in array.shape if length > 1]
    if array.ndim > 2 and len(shape) > 2:
        return ""
    rows = np.atleast_2d(array if array.ndim <= 2 else array.reshape(shape))
    inner = r" \\ ".join(" & ".join(map(number, row)) for row in rows.tolist())
    return rf"\begin{{pmatrix}} {inner} \end{{pmatrix}}"


def _first(latex: str) -> str:
    """Return a formula without what is said of each sample beside it."""
    return re.split(r",\\quad|\\quad\(", latex)[0]
