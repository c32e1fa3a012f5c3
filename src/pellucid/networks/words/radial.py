"""Radial basis functions: units that answer to the distance from a centre."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import nn

from pellucid.blocks import Radial
from pellucid.networks.arguments import Choice, Count, Flag, argument
from pellucid.networks.field import WHOLE, Field
from pellucid.networks.layers import Layer
from pellucid.networks.word import NUMBERS, Word, positions, refusal
from pellucid.shapes import Features, Image, Sequence, Shape, size


@dataclass(frozen=True)
class Rbf(Word):
    """Gaussian units exp(-|x - c|² / (2 s²)), each with a centre c; an image is flattened first.

    Broomhead and Lowe (1988); Moody and Darken (1989).
    """

    name: ClassVar[str] = "rbf"
    also_called: ClassVar[tuple[str, ...]] = ("radial", "gaussians", "radialbasis")
    centres: int = argument(Count(), help="units, the output's features", letter="n", positional=True)
    width: str = argument(Choice(("shared", "own")), "shared", help="one width s for all units, or one for each")
    learned: bool = argument(Flag(), True, help="whether a training changes centres and widths")
    normalised: bool = argument(Flag(), False, help="whether each output is divided by the sum of all")

    def shape(self, incoming: Shape) -> Features | Sequence:
        """Return the units, at every step of a sequence."""
        match incoming:
            case Features() | Image():
                return Features(self.centres)
            case Sequence(length=length):
                return Sequence(self.centres, length)
        raise refusal(self, incoming, NUMBERS)

    def parameters(self, incoming: Shape) -> int:
        """Return inputs * centres and the widths where they are learned, else none."""
        widths = self.centres if self.width == "own" else 1
        return (self._inputs(incoming) * self.centres + widths) * self.learned

    def flops(self, incoming: Shape) -> int | None:
        """Return 2 * inputs * centres, for every step: the products of inputs and centres."""
        steps = positions(incoming) if isinstance(incoming, Sequence) else 1
        return None if steps is None else 2 * self._inputs(incoming) * self.centres * steps

    def field(self, before: Field, incoming: Shape) -> Field:
        """Return the whole input, or the field of the step."""
        return before if isinstance(incoming, Sequence) else WHOLE

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return the units, behind a flattening of an image."""
        named: dict[str, Any] = {"own_widths": True} if self.width == "own" else {}
        named |= {} if self.learned else {"learned": False}
        named |= {"normalised": True} if self.normalised else {}
        layer = Layer("rbf", Radial, (self._inputs(incoming), self.centres), named)
        return (Layer("flatten", nn.Flatten), layer) if isinstance(incoming, Image) else (layer,)

    def _inputs(self, incoming: Shape) -> int:
        return incoming.features if isinstance(incoming, Sequence) else size(incoming) or 0
