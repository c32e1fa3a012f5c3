"""The shapes a network's input and layers can have, as the arrow notation writes them.

Data says its shape with these, networks infer theirs with these; a leaf, because both rooms need it.
`dimensions` is torch's layout of one sample: channels first, sequences with time first.
"""

from dataclasses import dataclass
from math import prod


@dataclass(frozen=True, slots=True)
class Features:
    """A row of `count` numbers, written `13`; tensor (N, 13)."""

    count: int

    @property
    def dimensions(self) -> tuple[int, ...]:
        """Torch's layout of one sample."""
        return (self.count,)

    def __str__(self) -> str:
        return str(self.count)


@dataclass(frozen=True, slots=True)
class Image:
    """An image, written height x width x channels as the papers do, `28x28x1`; tensor (N, 1, 28, 28)."""

    height: int
    width: int
    channels: int

    @property
    def dimensions(self) -> tuple[int, ...]:
        """Torch's layout of one sample."""
        return (self.channels, self.height, self.width)

    def __str__(self) -> str:
        return f"{self.height}x{self.width}x{self.channels}"


@dataclass(frozen=True, slots=True)
class Sequence:
    """Steps of `features` numbers each, written `T x 8`, or `T=24 x 8` where the length is fixed; tensor (N, T, 8)."""

    features: int
    length: int | None = None

    @property
    def dimensions(self) -> tuple[int | None, ...]:
        """Torch's layout of one sample; the free length is None."""
        return (self.length, self.features)

    def __str__(self) -> str:
        length = "" if self.length is None else f"={self.length}"
        return f"T{length} x {self.features}"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Steps of one whole number below `vocabulary`, written `tokens(5000)`; tensor (N, T), int64."""

    vocabulary: int
    length: int | None = None

    @property
    def dimensions(self) -> tuple[int | None, ...]:
        """Torch's layout of one sample; the free length is None."""
        return (self.length,)

    def __str__(self) -> str:
        length = "" if self.length is None else f", length={self.length}"
        return f"tokens({self.vocabulary}{length})"


Shape = Features | Image | Sequence | Tokens


def size(shape: Shape) -> int | None:
    """Return how many numbers one sample holds, or None where the length is free.

    >>> size(Image(28, 28, 1)), size(Sequence(8))
    (784, None)
    """
    dimensions = shape.dimensions
    return None if None in dimensions else prod(d for d in dimensions if d is not None)
