"""A network as data: its words and the shape after each, known before any tensor exists."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from pellucid.errors import NotationError
from pellucid.networks.field import Field, start
from pellucid.networks.place import failure
from pellucid.networks.table import Row, Table, rows_of
from pellucid.networks.word import Named, Output, Word, Words, output_of
from pellucid.networks.words.branching import chain_text
from pellucid.networks.words.combinators import Repeat, inner
from pellucid.networks.words.composite import chain_field, chain_flops, chain_parameters
from pellucid.notebook import card, grid, paragraph
from pellucid.shapes import Shape

MOST_WORDS = 100_000
MOST_PARAMETERS = 2**40


@dataclass(frozen=True)
class Plan:
    """A network whose shapes fit.

    Two plans are equal if they have the same input and the same words; where those were written does not matter.

    Attributes:
        input: the shape of one sample.
        steps: the words.
        shapes: the shape after each step.

    Raises:
        NotationError: a word cannot take what comes before it, or the network is absurdly large.
    """

    input: Shape
    steps: Words
    shapes: tuple[Output, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Check every shape."""
        if not self.steps:
            raise NotationError("a network needs a layer", expected="a shape, an arrow and a word", received="none")
        _refuse_endless(self.steps)
        shapes: list[Output] = []
        for word in self.steps:
            shapes.append(output_of(word, shapes[-1] if shapes else self.input))
        object.__setattr__(self, "shapes", tuple(shapes))
        if self.parameters > MOST_PARAMETERS:
            raise NotationError(
                "the network is too large",
                expected=f"at most {MOST_PARAMETERS:,} parameters",
                received=f"{self.parameters:,} parameters",
            )

    @property
    def output(self) -> Output:
        """The shape of the network's output."""
        return self.shapes[-1]

    @cached_property
    def parameters(self) -> int:
        """The number of trainable parameters."""
        return chain_parameters(self.steps, self.input)

    @cached_property
    def flops(self) -> int | None:
        """2 x the multiply-adds of one sample's forward pass, or None where they depend on a free length."""
        return chain_flops(self.steps, self.input)

    @property
    def receptive_field(self) -> Field:
        """The input that one unit of the output sees."""
        return chain_field(self.steps, start(self.input), self.input)

    def table(self) -> Table:
        """Return a row for every layer; `str()` of it is a text table with totals."""
        return Table(self.input, tuple(self._rows()), self.parameters, self.flops)

    def _rows(self) -> Iterator[Row]:
        return rows_of(self.steps, self.input, start(self.input))

    def _repr_html_(self) -> str:
        """Return the arrows and the table of layers, as a notebook shows them."""
        heads, cells = self.table().shown()
        return card("network", paragraph(str(self)), grid(heads, cells, numbers=(3, 4)))

    def with_shapes(self) -> str:
        """Return the arrows with the shape written behind every word that changes it, as papers do."""
        texts, before = [str(self.input)], self.input
        for word, shape in zip(self.steps, self.shapes, strict=True):
            texts.append(str(word))
            if shape != before and not isinstance(shape, Named):
                texts.append(str(shape))
                before = shape
        return " -> ".join(texts)

    def __str__(self) -> str:
        return f"{self.input} -> {chain_text(self.steps)}"


def _refuse_endless(words: Words) -> None:
    count = 0
    for word in words:
        count += _expanded(word)
        if count > MOST_WORDS:
            message = "the network has too many layers"
            expected, received = f"at most {MOST_WORDS:,}", f"{count:,}"
            if word.place is not None:
                raise failure(word.place, message, expected=expected, received=received)
            raise NotationError(message, expected=expected, received=received)


def _expanded(word: Word) -> int:
    """Return how many words a word is when all repetitions are written out."""
    inside = sum(_expanded(each) for chain in inner(word) for each in chain)
    return word.count * inside if isinstance(word, Repeat) else 1 + inside
