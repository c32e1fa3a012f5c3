"""Which exhibits there are: every folder of `exhibits/` that holds an engine."""

import json
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from pellucid.errors import OptionError, nearest
from pellucid.studio.exhibit import Engine

EXHIBITS = Path(__file__).parent / "exhibits"
ORDER = (
    "playground", "inside", "backpropagation", "race", "convolution", "text", "hopfield", "gan", "room",
    "experiments",
)  # fmt: skip
"""As the page's navigation shows them; others come after, by name."""


@dataclass(frozen=True)
class Entry:
    """One exhibit.

    Attributes:
        name: its folder's.
        titles: what the navigation calls it, by language.
    """

    name: str
    titles: dict[str, str]

    def engine(self) -> type[Engine[Any]]:
        """Import the class that computes; not before a page asks, so that one exhibit's fault is not the others'."""
        found: type[Engine[Any]] = import_module(f"pellucid.studio.exhibits.{self.name}.engine").ENGINE
        return found


def load() -> dict[str, Entry]:
    """Return every exhibit, in order; whole ones only, with an engine, a view and strings."""
    found = {path.parent.name for path in EXHIBITS.glob("*/engine.py")
             if all(path.with_name(other).exists() for other in ("view.js", "strings.json"))}  # fmt: skip
    names = [name for name in ORDER if name in found] + sorted(found - {*ORDER})
    return {name: _entry(name) for name in names}


def require(name: str, known: dict[str, Entry]) -> Entry:
    """Return the exhibit of that name.

    Raises:
        OptionError: there is none.
    """
    if name not in known:
        raise OptionError(
            f"there is no exhibit called '{name}'",
            expected="one of " + ", ".join(known),
            received=name,
            advice=nearest(name, known),
        )
    return known[name]


def _entry(name: str) -> Entry:
    strings = json.loads((EXHIBITS / name / "strings.json").read_text(encoding="utf-8"))
    return Entry(name, {language: words["short"] for language, words in strings.items()})
