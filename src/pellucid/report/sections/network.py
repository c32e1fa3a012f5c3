"""The network: drawn, and a row a layer."""

import re
from collections.abc import Sequence
from typing import TypeVar
from xml.etree.ElementTree import Element

from pellucid.judging.wording import percent
from pellucid.networks import Plan, Row
from pellucid.report.markup import Child, element
from pellucid.report.network_drawing import network_drawing
from pellucid.report.numbers import shortened
from pellucid.report.pieces import Column, more, scrolling, section, table
from pellucid.report.subject import Part, Subject
from pellucid.shapes import Features

_MOST_ROWS = 60
_MOST_ARROWS = 1_500
_MOST_WORD = 60

_UNNAMED = re.compile(r"branch\d+|body|shortcut|")

Item = TypeVar("Item")


def network(subject: Subject) -> Element:
    """Return the network's drawing and table, or the parts of a module whose shapes nobody wrote down."""
    count = int(subject.asked["network"]["parameters"])
    if subject.plan is None:
        lead = f"{subject.asked['network']['module']}, a module of its own with {count:,} parameters."
        return section("network", "The network", _parts(subject.parts), lead=lead + _zeros(subject.zeros))
    plan = subject.plan
    lead = f"{count:,} parameters; {_flops(plan.flops)}.{_zeros(subject.zeros)}"
    drawing = scrolling("Drawing of the network", network_drawing(plan), "drawing")
    written = [
        element("h3", "As it is written"),
        element("pre", element("code", _arrows(shortened(plan.with_shapes(), _MOST_ARROWS)))),
    ]
    return section(
        "network", "The network", element("div", drawing, _table(plan), class_="network"), written, lead=lead
    )


def _arrows(text: str) -> list[Child]:
    """Return a text in which no line ends within an arrow."""
    first, *rest = text.split("->")
    return [first, *(part for after in rest for part in (element("span", "->", class_="whole"), after))]


def _table(plan: Plan) -> Element:
    made = plan.table()
    places = not isinstance(plan.input, Features)  # a row of features has no places to see
    columns = [
        Column("layer"), Column("word", text=True), Column("shape"),
        Column("parameters", numbers=True), Column("FLOPs", numbers=True),
        *([Column("sees")] if places else []),
    ]  # fmt: skip
    before, after = _ends(made.rows, _MOST_ROWS)
    rows = [_row(row, places=places) for row in before]
    if after:
        between = made.rows[len(before) : len(made.rows) - len(after)]
        parameters = sum(row.parameters for row in between)
        rows.append([f"… {len(between):,} more …", "", "", f"{parameters:,}", "", *([""] if places else [])])
        rows += [_row(row, places=places) for row in after]
    rows.append(["total", "", "", f"{made.parameters:,}", _count(made.flops), *([""] if places else [])])
    caption = "A row a layer"
    if places:
        caption += "; “sees” is the part of the input that one of its outputs depends on"
    if made.flops is None:
        caption += "; FLOPs depend on the length, which is free"
    return table(caption, columns, rows)


def _row(row: Row, *, places: bool) -> list[Child]:
    name = element("span", "\N{NO-BREAK SPACE}" * (3 * row.depth), shortened(_short(row.name), 40))
    return [
        name,
        element("span", shortened(row.word, _MOST_WORD), class_="mono"),
        str(row.shape),
        f"{row.parameters:,}" if row.parameters else "–",
        _count(row.flops),
        *([str(row.receptive_field)] if places else []),
    ]


def _short(name: str) -> str:
    """Return a layer's own name, behind that of its branch where somebody gave the branch one."""
    _, branch, own = ("", *name.split("."))[-3:] if "." in name else ("", "", name)
    return own if _UNNAMED.fullmatch(branch) else f"{branch}.{own}"


def _parts(parts: Sequence[Part]) -> list[Child]:
    """Return the parts of a module of the user's own."""
    text = (
        "It was given from Python, so its parts are known but not what flows between them: shapes, FLOPs and receptive"
        " fields are unknown."
    )
    before, after = _ends(parts, _MOST_ROWS)
    rows = [(part.name, part.kind, f"{part.parameters:,}", part.shapes) for part in [*before, *after]]
    columns = (Column("part"), Column("class"), Column("parameters", numbers=True), Column("of shapes", text=True))
    listed = table("Parts of the module", columns, rows) if rows else None
    return [element("p", text), listed, more(len(parts), len(rows), "parts in the middle are")]


def _ends(items: Sequence[Item], most: int) -> tuple[Sequence[Item], Sequence[Item]]:
    """Return all and none, or of a long row its first two thirds and its end."""
    if len(items) <= most:
        return items, ()
    return items[: 2 * most // 3], items[len(items) - most // 3 :]


def _zeros(zeros: tuple[int, int] | None) -> str:
    """Return what the l1 penalty left out."""
    if zeros is None:
        return ""
    return f" Of its {zeros[1]:,} weights the l1 penalty made {zeros[0]:,} exactly 0 ({percent(zeros[0] / zeros[1])})."


def _flops(count: int | None) -> str:
    return (
        "FLOPs depend on how long a sample is"
        if count is None
        else f"{count:,} FLOPs (2 × multiply-adds) for one sample"
    )


def _count(count: int | None) -> str:
    return "?" if count is None else f"{count:,}" if count else "–"
