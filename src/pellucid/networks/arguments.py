"""The kinds of argument a word takes: each reads a written value, refuses a wrong one, and writes it back."""

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from pellucid.errors import nearest
from pellucid.networks.place import MisfitError
from pellucid.networks.scanning import LARGEST_COUNT
from pellucid.shapes import Features, Image, Sequence

Extent = int | tuple[int, int]
Padding = Extent | str


class Kind(ABC):
    """What an argument may be.

    `read` takes what the grammar gives (a number, a size, a name, a shape) as well as what it returned before, so
    that a word made in Python is checked as one made from text is.
    """

    @abstractmethod
    def read(self, name: str, value: Any) -> Any:
        """Return the value the word keeps.

        Raises:
            MisfitError: the value is of another kind or out of range.
        """

    def write(self, value: Any) -> str:
        """Return how the value is written."""
        return str(value)


@dataclass(frozen=True)
class Count(Kind):
    """A whole number."""

    minimum: int = 1

    def read(self, name: str, value: Any) -> int:
        """Return the number."""
        if not isinstance(value, int) or isinstance(value, bool):
            advice = "a plain number is a count, AxB is a kernel" if isinstance(value, tuple) else ""
            raise MisfitError(
                f"{name} cannot be {written(value)}", expected="a whole number", received=written(value), advice=advice
            )
        return _bounded(name, value, self.minimum)


@dataclass(frozen=True)
class Number(Kind):
    """A real number between two bounds."""

    minimum: float
    maximum: float = float("inf")
    below: bool = False  # the maximum itself is excluded

    def read(self, name: str, value: Any) -> float:
        """Return the number as a float."""
        right = isinstance(value, int | float) and not isinstance(value, bool)
        if not right or not self.minimum <= value <= self.maximum or (self.below and value == self.maximum):
            raise MisfitError(f"{name} cannot be {written(value)}", expected=self._range(), received=written(value))
        return float(value)

    def write(self, value: Any) -> str:
        """Return the shortest text that reads back as the same float."""
        return repr(value).removesuffix(".0")

    def _range(self) -> str:
        if self.maximum == float("inf"):
            return "a number" if self.minimum == float("-inf") else f"a number of at least {self.minimum:g}"
        return f"a number from {self.minimum:g} to {'below ' * self.below}{self.maximum:g}"


@dataclass(frozen=True)
class Kernel(Kind):
    """The size of a window: `5x5` on an image, `kernel=5` on a sequence (and, on an image, the square of that side)."""

    def read(self, name: str, value: Any) -> Extent:
        """Return the side or the two sides."""
        return _extent(name, value, "a size such as 5x5, or kernel=5 on a sequence", minimum=1)

    def write(self, value: Any) -> str:
        """Return `5x5`, or `5`."""
        return written(value)


@dataclass(frozen=True)
class Steps(Kind):
    """A number for all axes, or one for each: `stride=2`, `stride=2x1`."""

    def read(self, name: str, value: Any) -> Extent:
        """Return the number or the two."""
        return _extent(name, value, "a whole number, or one for each axis such as 2x1", minimum=1)

    def write(self, value: Any) -> str:
        """Return `2`, or `2x1`."""
        return written(value)


@dataclass(frozen=True)
class Pad(Kind):
    """Zeros around the input: a number, one for each axis, `same` (output of n / stride, rounded up) or `valid` (0)."""

    def read(self, name: str, value: Any) -> Padding:
        """Return the number, the two, or "same"; `valid` is 0."""
        if value == "same":
            return "same"
        if value == "valid":
            return 0
        return _extent(name, value, "a whole number, same or valid", minimum=0)

    def write(self, value: Any) -> str:
        """Return `2`, `2x1` or `same`."""
        return written(value)


@dataclass(frozen=True)
class Flag(Kind):
    """`yes` or `no`."""

    def read(self, name: str, value: Any) -> bool:
        """Return the truth value; `true` and `false` are understood too."""
        truth = {"yes": True, "true": True, "no": False, "false": False}
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in truth:
            return truth[value.lower()]
        raise MisfitError(f"{name} cannot be {written(value)}", expected="yes or no", received=written(value))

    def write(self, value: Any) -> str:
        """Return `yes` or `no`."""
        return "yes" if value else "no"


@dataclass(frozen=True)
class Choice(Kind):
    """One of some names."""

    names: tuple[str, ...]

    def read(self, name: str, value: Any) -> str:
        """Return the name."""
        if value in self.names:
            return str(value)
        raise MisfitError(
            f"{name} cannot be {written(value)}",
            expected=f"one of {', '.join(self.names)}",
            received=written(value),
            advice=nearest(written(value), self.names),
        )


@dataclass(frozen=True)
class Size(Kind):
    """Height and width: `32x32`."""

    def read(self, name: str, value: Any) -> tuple[int, int]:
        """Return the two."""
        if isinstance(value, tuple) and len(value) == 2:
            return _bounded(name, value[0], 1), _bounded(name, value[1], 1)
        raise MisfitError(
            f"{name} cannot be {written(value)}", expected="height x width, such as 32x32", received=written(value)
        )

    def write(self, value: Any) -> str:
        """Return `32x32`."""
        return written(value)


@dataclass(frozen=True)
class Form(Kind):
    """A shape: `784`, `28x28x1`, `T=28 x 28`."""

    def read(self, name: str, value: Any) -> Features | Image | Sequence:
        """Return the shape."""
        match value:
            case Features() | Image() | Sequence():
                return value
            case int() if not isinstance(value, bool):
                return Features(_bounded(name, value, 1))
            case (int(), int(), int()):
                return Image(*(_bounded(name, each, 1) for each in value))
        raise MisfitError(
            f"{name} cannot be {written(value)}",
            expected="a shape such as 784, 28x28x1 or T=28 x 28",
            received=written(value),
        )


def argument(
    kind: Kind, default: Any = dataclasses.MISSING, *, help: str, letter: str = "", positional: bool = False
) -> Any:
    """Declare a field of a word: its kind, default, meaning, the letter lecture notes use, whether it needs no name."""
    metadata = {"kind": kind, "help": help, "letter": letter, "positional": positional}
    return dataclasses.field(default=default, metadata=metadata)


def written(value: Any) -> str:
    """Return a value as the notation writes it."""
    match value:
        case bool():
            return "yes" if value else "no"
        case tuple():
            return "x".join(map(str, value))
        case float():
            return repr(value).removesuffix(".0")
    return str(value)


def _extent(name: str, value: Any, expected: str, *, minimum: int) -> Extent:
    match value:
        case bool():
            pass
        case int():
            return _bounded(name, value, minimum)
        case (int(first), int(second)):
            return _bounded(name, first, minimum), _bounded(name, second, minimum)
    raise MisfitError(f"{name} cannot be {written(value)}", expected=expected, received=written(value))


def _bounded(name: str, value: int, minimum: int) -> int:
    if not minimum <= value <= LARGEST_COUNT:
        raise MisfitError(
            f"{name} is out of range", expected=f"{minimum} to {LARGEST_COUNT:,}", received=f"{name} = {value}"
        )
    return value
