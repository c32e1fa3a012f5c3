"""What an entry of the zoo is: a function that writes arrows, and what is known of the network."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pellucid.recipe import RuleName, TaskName
from pellucid.shapes import Shape


@dataclass(frozen=True)
class Arrows:
    """A network's arrows behind its input shape, in named parts, and what was done to make them fit the input."""

    parts: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All parts, one behind the other."""
        return " -> ".join(self.parts.values())


@dataclass(frozen=True)
class Entry:
    """A named network.

    Attributes:
        name: how it is called in the notation.
        title: one line of what it is.
        reference: who published it, where and when.
        write: `write(input, ..., classes=10)` gives the arrows; its further arguments are the entry's.
        inputs: the sorts of input it takes.
        input: the input it has unless one is given; None where it has none of its own.
        classes: the outputs it has unless a number is given.
        learns: the task it is made for where that is not told by the data's target: it is learned without one.
        rule: how it learns unless said; None for the usual rule.
        figures: what the literature or arithmetic says of the network as it is without arguments.
        forms: the input of a form, the value of an argument of that name, where it is another.
        by_rows: from the number of training rows, arguments for so few of them, in place of the usual ones.
    """

    name: str
    title: str
    reference: str
    write: Callable[..., Arrows]
    inputs: tuple[type[Shape], ...]
    input: Shape | None
    classes: int
    figures: Mapping[str, int | str] = field(default_factory=dict)
    learns: TaskName | None = None
    rule: RuleName | None = None
    forms: Mapping[str, Shape] = field(default_factory=dict)
    by_rows: Callable[[int], Mapping[str, int]] = lambda _rows: {}

    def input_of(self, arguments: Mapping[str, Any]) -> Shape | None:
        """Return the input the entry has with these arguments unless one is given."""
        return self.forms.get(arguments.get("form", ""), self.input)
