"""What there is, as terminal text: the networks and the data sets with a name, and one of them in full."""

import functools
import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pellucid.data import Dataset, describe
from pellucid.data.named.catalogue import Entry as DataEntry
from pellucid.data.split import SPLITS
from pellucid.data.tables.columns import CategoryColumn, Column, DateColumn, NumberColumn
from pellucid.data.tables.preprocessing import TablePreprocessing
from pellucid.judging.facts import facts_of
from pellucid.judging.judgement import DataFacts
from pellucid.judging.wording import percent
from pellucid.networks import Entry, Plan
from pellucid.report.numbers import shortened

_MOST_ROWS = 30
_WIDTH = 110
_MOST_WORDS = 4
_MOST_TITLE = 90


def zoo_lines(families: Mapping[str, Iterable[Entry]], plans: Mapping[str, Plan]) -> str:
    """Return a line a network under the name of its family: name, what it is, an input, its size on it."""
    heads = ("name", "what it is", "input", "parameters")
    rows = [
        (e.name, shortened(e.title, _MOST_TITLE), str(plans[e.name].input), f"{plans[e.name].parameters:,}")
        for family in families.values()
        for e in family
    ]
    head, rule, *listed = _columns(heads, rows, "<<<>")
    lines, left = [head, rule], iter(listed)
    for title, family in families.items():
        lines += ["", title, *(next(left) for _ in family)]
    more = "One in full: pellucid zoo NAME. To train one: pellucid train DATA --network NAME; it adapts to the data."
    return "\n".join([*lines, "", more])


def network_page(entry: Entry, plan: Plan) -> str:
    """Return a network in full: what it is, from where, its arrows, its layers, its arguments and figures."""
    lines = [f"{entry.name}: {entry.title}", entry.reference, ""]
    if entry.figures:
        width = max(map(len, entry.figures))
        figures = [(name, f"{value:,}" if isinstance(value, int) else value) for name, value in entry.figures.items()]
        lines += ["figures", *(f"  {name:<{width}}  {value}" for name, value in figures), ""]
    arguments = list(_arguments(entry))
    if arguments:
        lines += ["arguments", *(f"  {argument}" for argument in arguments), ""]
    # breaking at arrows only: a broken word would no longer be the notation
    arrows = textwrap.wrap(plan.with_shapes().replace(" ", "\0").replace("\0->\0", " ->\0"), _WIDTH)
    lines += [*(line.replace("\0", " ") for line in arrows), "", str(plan.table())]
    return "\n".join(lines)


def data_list(entries: Mapping[str, DataEntry]) -> str:
    """Return a line a data set: name, what it is, whether it is on this machine."""
    rows = [(name, entry.summary, "here" if entry.here() else "to download") for name, entry in entries.items()]
    more = "One in full: pellucid data NAME; your own as well: pellucid data customers.csv --target churned."
    return "\n".join([*_columns(("name", "what it is", "where"), rows, "<<<"), "", more])


def data_page(data: Dataset, training: str) -> str:
    """Return how data is read and split, what is odd, and the command that trains on it."""
    facts = facts_of(data)
    counts = ", ".join(f"{count:,} {split}" for split, count in facts.samples.items())
    lines = [
        f"{data.name}: {counts}",
        f"read as  {data.preprocessing.kind}, input {data.input_shape}, {describe(data.target)}",
        f"sha256   {data.source.sha256}",
    ]
    lines += [f"{'note' if number == 0 else '':<9}{note}" for number, note in enumerate(facts.notes)]
    for title, block in (("classes", _balance(facts)), ("columns", _described(data, facts))):
        if block:
            lines += ["", title, *(f"  {line}" for line in block)]
    return "\n".join([*lines, "", f"train on it: {training}"])


def _arguments(entry: Entry) -> Iterator[str]:
    """Yield the arguments a zoo name takes: with their defaults, and what their writer's docstring says of them."""
    writer = entry.write.func if isinstance(entry.write, functools.partial) else entry.write
    told = re.findall(r"^    (\w+): (.+(?:\n {8}.+)*)$", inspect.getdoc(writer) or "", re.MULTILINE)
    meanings = {name: " ".join(meaning.split()) for name, meaning in told}
    for name, parameter in inspect.signature(entry.write).parameters.items():
        default = entry.classes if name == "classes" else parameter.default
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            written = f"{name}, by place"
        elif name == "input" or default is inspect.Parameter.empty:
            continue
        else:
            written = f"{name}={('no', 'yes')[default] if isinstance(default, bool) else default}"
        yield f"{written:<18}  {meanings.get(name, '').rstrip('.')}".rstrip()


def _balance(facts: DataFacts) -> list[str]:
    """Return a line a class: samples in each split, and its share of all."""
    total = sum(sum(counts.values()) for counts in facts.balance.values())
    rows = [
        (shortened(name, 30), *(f"{counts[split]:,}" for split in SPLITS), percent(sum(counts.values()) / total))
        for name, counts in facts.balance.items()
    ]
    return _cut(_columns(("class", *SPLITS, "share"), rows, "<>>>>"), len(rows)) if rows else []


def _described(data: Dataset, facts: DataFacts) -> list[str]:
    """Return a line a column of a table: its kind, what it holds, what it lacks."""
    if not isinstance(data.preprocessing, TablePreprocessing):
        return []
    rows = []
    for column in data.preprocessing.columns:
        missing = facts.missing.get(column.name, 0)
        rows.append((column.name, column.kind, _holds(column), f"{missing:,}" if missing else "–"))
    return _cut(_columns(("column", "kind", "holds", "missing"), rows, "<<<>"), len(rows))


def _holds(column: Column) -> str:
    match column:
        case NumberColumn():
            return f"mean {column.mean:.4g}, deviation {column.scale:.4g}"
        case CategoryColumn():
            words = ", ".join(shortened(level, 20) for level in column.levels[:_MOST_WORDS])
            more = len(column.levels) - _MOST_WORDS
            return words + (f" and {more} more" if more > 0 else "")
        case DateColumn():
            return "time" + "".join(f", {part}" for part in column.parts)
    return ""


def _columns(heads: Sequence[str], rows: Iterable[Sequence[str]], sides: str) -> list[str]:
    """Return lines in columns as wide as their widest entry, under their heads."""
    table = [tuple(heads), *(tuple(row) for row in rows)]
    widths = [max(len(row[place]) for row in table) for place in range(len(heads))]
    lines = [
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)).rstrip()
        for row in table
    ]
    return [lines[0], "  ".join("─" * width for width in widths), *lines[1:]]


def _cut(lines: list[str], rows: int) -> list[str]:
    """Return the head and at most so many rows as a reader takes in, and how many are left out."""
    heads = len(lines) - rows
    left = rows - _MOST_ROWS
    return [*lines[: heads + _MOST_ROWS], *([f"and {left:,} more"] if left > 0 else [])]
