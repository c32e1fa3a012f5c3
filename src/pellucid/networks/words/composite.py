"""Words that stand for other words: one behind the other (`Composite`), or side by side (see `combinators`)."""

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

from pellucid.networks.field import Field
from pellucid.networks.layers import Layer
from pellucid.networks.word import Output, Word, Words, output_of, walk
from pellucid.shapes import Shape


@dataclass(frozen=True)
class Composite(Word):
    """A word that is short for a chain of words."""

    @abstractmethod
    def expanded(self) -> Words:
        """Return the chain it stands for."""

    def shape(self, incoming: Shape) -> Output:
        """Return the shape behind the chain."""
        return chain_shape(self.expanded(), incoming)

    def parameters(self, incoming: Shape) -> int:
        """Return those of the chain."""
        return chain_parameters(self.expanded(), incoming)

    def flops(self, incoming: Shape) -> int | None:
        """Return those of the chain."""
        return chain_flops(self.expanded(), incoming)

    def field(self, before: Field, incoming: Shape) -> Field:
        """Return the field behind the chain."""
        return chain_field(self.expanded(), before, incoming)

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return those of the chain."""
        return chain_layers(self.expanded(), incoming)


def chain_shape(words: Words, incoming: Shape) -> Output:
    """Return the shape behind a chain."""
    shape: Output = incoming
    for word in words:
        shape = output_of(word, shape)
    return shape


def chain_parameters(words: Words, incoming: Shape) -> int:
    """Return the parameters of a chain."""
    return sum(word.parameters(before) for word, before, _ in walk(words, incoming))


def chain_flops(words: Words, incoming: Shape) -> int | None:
    """Return the FLOPs of a chain, or None where a free length hides them."""
    return total(word.flops(before) for word, before, _ in walk(words, incoming))


def chain_field(words: Words, before: Field, incoming: Shape) -> Field:
    """Return the receptive field behind a chain."""
    for word, shape, _ in walk(words, incoming):
        before = word.field(before, shape)
    return before


def chain_layers(words: Words, incoming: Shape) -> tuple[Layer, ...]:
    """Return the layers of a chain."""
    return tuple(layer for word, before, _ in walk(words, incoming) for layer in word.modules(before))


def total(counts: Iterable[int | None]) -> int | None:
    """Return the sum, or None where a part is None."""
    known = 0
    for count in counts:
        if count is None:
            return None
        known += count
    return known
