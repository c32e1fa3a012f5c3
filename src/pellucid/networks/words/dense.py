"""Fully connected layers."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from pellucid.blocks import Maxout as MaxoutBlock
from pellucid.networks.arguments import Choice, Count, Flag, argument
from pellucid.networks.field import WHOLE, Field
from pellucid.networks.initialisation import INITS
from pellucid.networks.layers import Layer
from pellucid.networks.place import MisfitError
from pellucid.networks.word import NUMBERS, Word, positions, refusal
from pellucid.shapes import Features, Image, Sequence, Shape, size


@dataclass(frozen=True)
class _Dense(Word):
    """Units that each see every number: of a row, of a flattened image, or of one step of a sequence."""

    units: int = argument(Count(), help="neurons, the output's features", letter="n", positional=True)

    def shape(self, incoming: Shape) -> Features | Sequence:
        """Return the units, at every step of a sequence."""
        match incoming:
            case Features() | Image():
                return Features(self.units)
            case Sequence(length=length):
                return Sequence(self.units, length)
        raise refusal(self, incoming, NUMBERS)

    def field(self, before: Field, incoming: Shape) -> Field:
        """Return the whole input, or the field of the step."""
        return before if isinstance(incoming, Sequence) else WHOLE

    def _inputs(self, incoming: Shape) -> int:
        return incoming.features if isinstance(incoming, Sequence) else size(incoming) or 0

    def _behind_flatten(self, incoming: Shape, layer: Layer) -> tuple[Layer, ...]:
        return (Layer("flatten", nn.Flatten), layer) if isinstance(incoming, Image) else (layer,)


@dataclass(frozen=True)
class Fc(_Dense):
    """A fully connected layer, y = W x + b, with inputs * units + units parameters; an image is flattened first."""

    name: ClassVar[str] = "fc"
    also_called: ClassVar[tuple[str, ...]] = ("dense", "linear", "fullyconnected", "fully-connected", "affine")
    bias: bool = argument(Flag(), True, help="whether a number is added to each unit")
    init: str = argument(Choice(tuple(INITS)), "uniform", help="how the weights start: " + ", ".join(INITS))

    def parameters(self, incoming: Shape) -> int:
        """Return inputs * units + units."""
        return (self._inputs(incoming) + self.bias) * self.units

    def flops(self, incoming: Shape) -> int | None:
        """Return 2 * inputs * units, for every step."""
        steps = positions(incoming) if isinstance(incoming, Sequence) else 1
        return None if steps is None else 2 * self._inputs(incoming) * self.units * steps

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return a linear layer, behind a flattening of an image."""
        named = {} if self.bias else {"bias": False}
        sizes = self._inputs(incoming), self.units
        return self._behind_flatten(incoming, Layer("fc", nn.Linear, sizes, named, init=self.init))


@dataclass(frozen=True)
class Maxout(_Dense):
    """Units that each give the largest of several linear functions. Goodfellow et al. (2013)."""

    name: ClassVar[str] = "maxout"
    pieces: int = argument(Count(), 2, help="linear functions a unit takes the largest of", positional=True)

    def shape(self, incoming: Shape) -> Features | Sequence:
        """Return the units, at every step of a sequence."""
        if self.units * self.pieces > 2**40:
            raise MisfitError("maxout is too large", expected="fewer units or pieces", received=str(self))
        return super().shape(incoming)

    def parameters(self, incoming: Shape) -> int:
        """Return (inputs + 1) * units * pieces."""
        return (self._inputs(incoming) + 1) * self.units * self.pieces

    def flops(self, incoming: Shape) -> int | None:
        """Return 2 * inputs * units * pieces, for every step."""
        steps = positions(incoming) if isinstance(incoming, Sequence) else 1
        return None if steps is None else 2 * self._inputs(incoming) * self.units * self.pieces * steps

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return a maxout block, behind a flattening of an image."""
        layer = Layer("maxout", MaxoutBlock, (self._inputs(incoming), self.units, self.pieces))
        return self._behind_flatten(incoming, layer)
