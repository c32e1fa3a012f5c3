"""A network explained as one self-contained HTML page: the derivation of a sample, and what its parts see."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

import numpy as np

from pellucid.explain.derivation import Derivation, LossStep, Nested, Step, shown
from pellucid.explain.explanation import Explanation, Part
from pellucid.explain.graphs.nodes import Graph
from pellucid.report.charts import figure
from pellucid.report.graph_drawing import graph_drawing
from pellucid.report.markup import Child, element
from pellucid.report.page import document
from pellucid.report.pieces import Column, scrolling, section, table

_DIGITS, _MOST = 6, 8


def explanation_page(explained: Explanation, version: str, source: str) -> str:
    """Return what is told of a network as a whole HTML document; the same network gives the same text."""
    derived = [] if explained.derivation is None else [_derivation(explained.derivation)]
    parts = [_part(part) for part in explained.parts]
    box = element(
        "section", element("ul", (element("li", fact) for fact in _facts(explained))), class_="verdict",
        aria_label="In short",
    )  # fmt: skip
    drawn = [] if explained.graph is None else [_graph(explained.graph)]
    return document(explained.title, explained.what, [box], [*parts, *drawn, *derived], version, source)


def _facts(explained: Explanation) -> list[str]:
    facts = [] if explained.derivation is None else [agreement_line(explained.derivation)]
    facts += [f"{fact}." for part in explained.parts for fact in part.facts]
    return facts + [f"Not shown: {reason}." for reason in explained.left_out]


def agreement_line(derivation: Derivation) -> str:
    """Return how far the written formulas and autograd are apart, in a sentence."""
    agreement = derivation.agreement
    told = (
        f"{agreement.compared:,} numbers of the derivation were computed by the written formulas and by autograd: at"
        f" most {agreement.relative:.1e} apart, relative to the largest of their tensor."
    )
    left = [step.name for step in derivation.steps if not step.is_recomputed]
    return told + (f" Without a written formula: {', '.join(left)}." if left else "")


def _part(part: Part) -> Element:
    figures = [figure(described, f"{part.key}{place}") for place, described in enumerate(part.figures)]
    columns = [Column(head, numbers=place > 3) for place, head in enumerate(part.heads)]
    rows = [table(part.title, columns, part.rows)] if part.rows else []
    return section(part.key, part.title, rows, element("div", figures, class_="pair"), lead=part.lead)


def _graph(graph: Graph) -> Element:
    lead = (
        "Every operation of one forward pass, from the network's code or from what autograd recorded; large networks"
        " are folded by module. Round ends are inputs and outputs, dashed frames weights."
    )
    return section("graph", "The computation graph", scrolling("Computation graph", graph_drawing(graph)), lead=lead)


def _derivation(derived: Derivation) -> Element:
    lead = (
        "The sample forwards through the network and its error backwards, layer by layer: the formula, the numbers that"
        " come out, and one of them worked out. dA stands for ∂E/∂A. Of a large tensor its shape, mean, deviation and"
        " ends are told."
    )
    gradients: list[list[Child]] = [[name, _tensor(gradient)] for name, gradient in derived.gradients.items()]
    updated = []
    if derived.update is not None:
        after = derived.update
        for name, row in zip(derived.gradients, gradients, strict=True):
            row.append(_tensor(after.parameters[name]))
        said = f"One step of gradient descent, w' = w - η ∂E/∂w with η = {after.learning_rate:g}: E falls from"
        updated = [element("p", f"{said} {derived.loss.value:.{_DIGITS}g} to {after.loss:.{_DIGITS}g}.")]
    reached = [step for step in reversed(derived.steps) if step.output_gradient is not None]
    heads = [Column("weight"), Column("∂E/∂w", text=True)] + [Column("w'", text=True)] * bool(updated)
    return section(
        "derivation",
        "A sample, step by step",
        _steps("Forwards", [_forward(step) for step in derived.steps]),
        _steps("The loss", _losses(derived.loss)),
        _steps("Backwards", [_backward(step) for step in reached]),
        table("What the weights learn from it", heads, gradients),
        updated,
        lead=lead,
    )


def _steps(caption: str, rows: Sequence[Sequence[Child]]) -> Element:
    heads = ("formula", "numbers", "one of them")
    return table(caption, [Column("step"), *(Column(head, text=True) for head in heads)], rows)


def _forward(step: Step) -> list[Child]:
    mark = None if step.is_recomputed else element("small", "not recomputed", class_="soft")
    name: list[Child] = [step.name, element("br"), element("small", step.kind, class_="soft"), mark]
    numbers = f"{step.symbol} = {_tensor(step.output)}"
    return [name, element("code", step.forward.plain), element("code", numbers), _lines(step.worked[:1])]


def _losses(loss: LossStep) -> list[list[Child]]:
    """Return a row for the loss; of several outputs one for each, and one for their sum."""
    if not loss.heads:
        return [_loss(loss)]
    each = [[f"{name}: {head.kind}", *_loss(head)[1:]] for name, head in loss.heads.items()]
    whole = [loss.kind, _lines([loss.forward.plain]), _lines([f"E = {loss.value:.{_DIGITS}g}"]), _lines(loss.worked)]
    return [*each, whole]


def _loss(loss: LossStep) -> list[Child]:
    outputs, targets = loss.symbols
    numbers = [
        f"{outputs} = {_tensor(loss.outputs)}",
        f"{targets} = {_tensor(loss.targets)}",
        f"E = {loss.value:.{_DIGITS}g}",
        f"d{outputs} = {_tensor(loss.gradient)}",
    ]
    formulas = [loss.forward.plain, *(formula.plain for formula in loss.backward)]
    return [loss.kind, _lines(formulas), _lines(numbers), _lines(loss.worked)]


def _backward(step: Step) -> list[Child]:
    numbers = [f"d{step.symbol} = {_tensor(step.output_gradient)}"]
    numbers += [f"d{each.symbol} = {_tensor(each.gradient)}" for each in step.operands if each.gradient is not None]
    return [step.name, _lines([formula.plain for formula in step.backward]), _lines(numbers), _lines(step.worked[1:])]


def _lines(lines: Sequence[str]) -> Child:
    return [element("div", element("code", line)) for line in lines]


def _tensor(value: Nested) -> str:
    """Return a tensor's numbers; of many their shape, mean, deviation and ends."""
    if isinstance(value, tuple):
        return ", ".join("none" if each is None else _tensor(each) for each in value)
    numbers = np.asarray(value)
    if numbers.size <= _MOST:
        return shown(value, digits=_DIGITS, most=_MOST)
    shape, ends = "×".join(map(str, numbers.shape)), f"{numbers.min():.3g} to {numbers.max():.3g}"
    return f"{shape}: {numbers.mean():.3g} ± {numbers.std():.3g}, {ends}"
