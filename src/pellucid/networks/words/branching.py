"""What words with branches share: chains that all start from one input."""

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from torch import nn

from pellucid.errors import NotationError
from pellucid.networks.field import Field, widest
from pellucid.networks.layers import Group, Layer
from pellucid.networks.place import MisfitError
from pellucid.networks.word import Named, Word, Words
from pellucid.networks.words.composite import (
    chain_field,
    chain_flops,
    chain_layers,
    chain_parameters,
    chain_shape,
    total,
)
from pellucid.shapes import Sequence, Shape, Tokens

_TRIED_LENGTHS = range(1000, 1006)  # all remainders of the strides 2 and 3

NamedChain = tuple[str, Words]


@dataclass(frozen=True)
class Branching(Word):
    """A word whose chains all start from its input."""

    block: ClassVar[type[nn.Module]]

    @abstractmethod
    def branches(self, incoming: Shape) -> tuple[NamedChain, ...]:
        """Return the chains with the names their layers have in the state dict."""

    def parameters(self, incoming: Shape) -> int:
        """Return those of all branches."""
        return sum(chain_parameters(words, incoming) for _, words in self.branches(incoming))

    def flops(self, incoming: Shape) -> int | None:
        """Return those of all branches."""
        return total(chain_flops(words, incoming) for _, words in self.branches(incoming))

    def field(self, before: Field, incoming: Shape) -> Field:
        """Return the widest field of a branch."""
        return widest(chain_field(words, before, incoming) for _, words in self.branches(incoming))

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return the block that holds the branches."""
        named: dict[str, Any] = {name: Group(chain_layers(words, incoming)) for name, words in self.branches(incoming)}
        return (Layer(self.name, self.block, (), named),)


def chain_text(words: Words) -> str:
    """Return a chain as arrows."""
    return " -> ".join(map(str, words))


def numbered(chains: tuple[Words, ...]) -> tuple[NamedChain, ...]:
    """Return chains named branch1, branch2, ..."""
    return tuple((f"branch{number}", words) for number, words in enumerate(chains, start=1))


def branch_shapes(word: Word, chains: Iterable[Words], incoming: Shape) -> list[Shape]:
    """Return the shape behind each chain.

    Raises:
        MisfitError: a chain ends in several outputs.
    """
    shapes = []
    for chain in chains:
        shape = chain_shape(chain, incoming)
        if isinstance(shape, Named):
            raise MisfitError(
                "heads are the end of a network", expected=f"no heads inside {word.name}", received=str(shape)
            )
        shapes.append(shape)
    return shapes


def refuse_unequal_lengths(word: Word, chains: tuple[Words, ...], incoming: Shape) -> None:
    """Check that branches of a sequence of free length give equal lengths, whatever it is, by trying some.

    Raises:
        MisfitError: they do not, as where one branch has a convolution without padding.
    """
    if not isinstance(incoming, Sequence | Tokens) or incoming.length is not None:
        return
    for length in _TRIED_LENGTHS:
        try:
            shapes = branch_shapes(word, chains, replace(incoming, length=length))
        except NotationError:
            return  # a kernel or a fixed size beyond the lengths tried
        lengths = [shape.length for shape in shapes if isinstance(shape, Sequence)]
        if len(set(lengths)) > 1:
            raise MisfitError(
                f"the branches of {word.name} give sequences of different lengths",
                expected="one length; a convolution with padding=same keeps it",
                received=f"of {length} steps " + " and ".join(map(str, lengths)),
            )
