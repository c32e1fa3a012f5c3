"""What the grammar makes of a text: nodes that know their place, not yet what their names mean."""

from dataclasses import dataclass

from pellucid.networks.place import Place
from pellucid.shapes import Shape

Value = int | float | str | tuple[int, ...] | Shape


@dataclass(frozen=True, slots=True)
class Argument:
    """`value` or `name=value` in a call."""

    name: str | None
    value: Value
    place: Place


@dataclass(frozen=True, slots=True)
class Assertion:
    """A shape between arrows."""

    shape: Shape
    place: Place


@dataclass(frozen=True, slots=True)
class Call:
    """A word or a zoo name with its arguments."""

    name: str
    part: str | None
    arguments: tuple[Argument, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Branch:
    """One of the chains in a branching word, with its name where it has one."""

    name: str | None
    chain: "Chain"
    place: Place


@dataclass(frozen=True, slots=True)
class Branching:
    """A word around chains: `add(a | b)`."""

    name: str
    branches: tuple[Branch, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Repetition:
    """`count * (chain)`."""

    count: int
    chain: "Chain"
    place: Place


Item = Assertion | Call | Branching | Repetition
Chain = tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """A whole text: its input shape, where it has one, and the chain behind."""

    input: Assertion | None
    chain: Chain
    place: Place
