"""Receptive fields: how much of the input one unit of a layer can see.

After a window of kernel k, stride s and dilation d, with size r and jump j before it:
r' = r + (k - 1) * d * j and j' = s * j (Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural
Networks", Distill 2019).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from pellucid.shapes import Features, Image, Shape


@dataclass(frozen=True, slots=True)
class Field:
    """The input a unit sees.

    Attributes:
        size: its extent along each axis of the input (height and width, or time), in input units; None is all of it.
        jump: the distance in the input between the fields of two neighbouring units.
    """

    size: tuple[Fraction, ...] | None
    jump: tuple[Fraction, ...] = ()

    def window(self, kernel: Iterable[int], stride: Iterable[int | Fraction], dilation: Iterable[int]) -> "Field":
        """Return the field behind a sliding window."""
        if self.size is None:
            return self
        axes = zip(self.size, self.jump, kernel, stride, dilation, strict=True)
        grown = [(size + (k - 1) * d * jump, jump * s) for size, jump, k, s, d in axes]
        return Field(tuple(size for size, _ in grown), tuple(jump for _, jump in grown))

    def finer(self, factor: Iterable[int | Fraction]) -> "Field":
        """Return the field behind an enlargement: the same size, a smaller jump."""
        if self.size is None:
            return self
        return Field(self.size, tuple(jump / f for jump, f in zip(self.jump, factor, strict=True)))

    @property
    def extent(self) -> tuple[int, ...] | None:
        """Whole input units along each axis, or None for all of the input."""
        return None if self.size is None else tuple(math.ceil(size) for size in self.size)

    def __str__(self) -> str:
        return "all" if self.extent is None else "x".join(map(str, self.extent))


WHOLE = Field(None)


def start(shape: Shape) -> Field:
    """Return the field of the input itself: one pixel, one step; a row of features has no places, so all of it."""
    axes = 0 if isinstance(shape, Features) else 2 if isinstance(shape, Image) else 1
    return Field((Fraction(1),) * axes, (Fraction(1),) * axes) if axes else WHOLE


def widest(fields: Iterable[Field]) -> Field:
    """Return the field of a unit that sees all of what several see."""
    every = tuple(fields)
    sizes = [field.size for field in every if field.size is not None]
    if len(sizes) < len(every):
        return WHOLE
    size = tuple(max(axis) for axis in zip(*sizes, strict=True))
    return Field(size, tuple(max(axis) for axis in zip(*(field.jump for field in every), strict=True)))
