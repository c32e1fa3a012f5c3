"""A network as a table: a row for every layer, with its shape, parameters, FLOPs and receptive field."""

from collections.abc import Iterator
from dataclasses import dataclass

from pellucid.networks.field import Field
from pellucid.networks.layers import Layer, Numbering
from pellucid.networks.word import Output, Word, Words, walk
from pellucid.networks.words.branching import Branching
from pellucid.networks.words.composite import Composite
from pellucid.notebook import card, grid
from pellucid.shapes import Features, Shape


@dataclass(frozen=True, slots=True)
class Row:
    """One layer, or the head of a block whose layers follow one level deeper and carry its figures.

    Attributes:
        name: the module's name in the built network; `residual1.body.conv1` is inside `residual1`.
        word: the layer as the notation writes it; of a block only its name.
        shape: the shape of its output.
        parameters: its trainable parameters.
        flops: 2 x its multiply-adds for one sample, None where a free length hides them.
        receptive_field: the input one unit of its output sees.
        depth: how many blocks it is inside.
    """

    name: str
    word: str
    shape: Output
    parameters: int
    flops: int | None
    receptive_field: Field
    depth: int


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a network and its totals."""

    input: Shape
    rows: tuple[Row, ...]
    parameters: int
    flops: int | None

    def _repr_html_(self) -> str:
        """Return the table as a notebook shows it."""
        heads, cells = self.shown()
        return card("layers", grid(heads, cells, numbers=(3, 4)))

    def shown(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Return the heads of the columns, and a row for the input, each layer and the totals."""
        heads: tuple[str, ...] = ("name", "word", "shape", "parameters", "FLOPs", "receptive field")
        cells: list[tuple[str, ...]] = [("input", "", str(self.input), "", "", "")]
        cells += [_cells(row) for row in self.rows]
        cells.append(("total", "", "", f"{self.parameters:,}", _count(self.flops), ""))
        if isinstance(self.input, Features):
            return heads[:-1], [row[:-1] for row in cells]  # a row of features has no places to see
        return heads, cells

    def __str__(self) -> str:
        heads, cells = self.shown()
        widths = [max(len(row[i]) for row in (heads, *cells)) for i in range(len(heads))]
        line = "  ".join("─" * width for width in widths)
        body = [_line(row, widths) for row in cells]
        notes = [] if self.flops is not None else ["FLOPs need a fixed length, such as T=24 x 8."]
        return "\n".join([_line(heads, widths), line, *body[:-1], line, body[-1], *notes])


def rows_of(words: Words, incoming: Shape, before: Field) -> Iterator[Row]:
    """Yield the rows of a chain."""
    yield from _rows(words, incoming, before, "", Numbering())


def _rows(words: Words, incoming: Shape, before: Field, prefix: str, numbering: Numbering) -> Iterator[Row]:
    for word, shape, after in walk(words, incoming):
        if isinstance(word, Composite):
            yield from _rows(word.expanded(), shape, before, prefix, numbering)
        elif isinstance(word, Branching):
            yield from _block(word, shape, after, before, prefix, numbering)
        else:
            name = prefix + _main_name(word, word.modules(shape), numbering)
            field = word.field(before, shape)
            depth = prefix.count(".") // 2
            yield Row(name, str(word), after, word.parameters(shape), word.flops(shape), field, depth)
        before = word.field(before, shape)


def _block(
    word: Branching, incoming: Shape, after: Output, before: Field, prefix: str, numbering: Numbering
) -> Iterator[Row]:
    name = prefix + numbering.next(word.name)
    yield Row(name, word.name, after, 0, 0, word.field(before, incoming), prefix.count(".") // 2)
    for branch, words in word.branches(incoming):
        yield from _rows(words, incoming, before, f"{name}.{branch}.", Numbering())


def _main_name(word: Word, layers: tuple[Layer, ...], numbering: Numbering) -> str:
    """Return the name of the layer that the word is about: of a flattening and a linear layer, the linear one."""
    names = {layer.label: numbering.next(layer.label) for layer in layers}
    return names.get(word.name) or list(names.values())[-1]


def _cells(row: Row) -> tuple[str, ...]:
    indent = "  " * row.depth
    field = str(row.receptive_field)
    return indent + row.name, row.word, str(row.shape), _count(row.parameters), _count(row.flops), field


def _count(count: int | None) -> str:
    return "?" if count is None else f"{count:,}" if count else "–"


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    sides = ("<", "<", "<", ">", ">", "<")
    return "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=False)).rstrip()
