"""Search spaces, written where the value would stand: `fc({32..512 log}) -> {relu, tanh}`, `{1e-4..1e-1 log}`.

A pair of braces holds a range of numbers, whole ones where both ends are written so (`{1..4}`, `{32..512 log}`,
`{0..0.6}`, `{0..1 step 0.25}`), or a list of choices (`{relu, tanh, gelu}`). With a name before it (`{width: 32..512
log}`) what was drawn can stand again elsewhere (`{width}`).
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pellucid.errors import NotationError

_BRACES = re.compile(r"\{([^{}]*)\}")
_NAMED = re.compile(r"\s*([A-Za-z][\w-]*)\s*:(.*)", re.DOTALL)
_REFERENCE = re.compile(r"\s*([A-Za-z][\w-]*)\s*")
_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*(log|step\s+({_NUMBER}))?\s*")
_HOLDER = re.compile(r"([A-Za-z][\w-]*)\s*\((?:[^()]*,)?\s*(?:([A-Za-z]\w*)\s*=)?\s*$")
_FORMS = "a range such as {32..512 log}, {0..0.6} or {16..64 step 16}, or choices such as {relu, tanh}"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing that is searched for.

    Attributes:
        name: as it was given, or the word or option that it stands in.
        low, high: of a range, both ends part of it.
        scale: how the range is measured out.
        step: from one value to the next; 0 where all between are meant, of whole numbers 1.
        whole: whether the values are whole numbers.
        choices: as they are written; empty for a range.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    scale: str = "linear"
    step: float = 0.0
    whole: bool = False
    choices: tuple[str, ...] = ()

    def at(self, place: float) -> str:
        """Return the value at a place from 0 to 1, as it is written: with places drawn evenly, all are as likely.

        On a logarithmic scale it is values in the same ratio that lie equally far from each other.
        """
        if self.choices:
            return self.choices[self.choice(place)]
        if self.scale == "log":
            return self._at_log(place)
        if self.step:
            count = 1 + math.floor((self.high - self.low) / self.step + 1e-9)
            return self._written(self.low + self.step * self._of(count, place))
        return self._written(self.low + place * (self.high - self.low))

    def choice(self, place: float) -> int:
        """Return which of the choices, from 0, stands at a place."""
        return self._of(len(self.choices), place)

    @staticmethod
    def _of(count: int, place: float) -> int:
        return min(int(place * count), count - 1)

    def _at_log(self, place: float) -> str:
        # a whole number stands for all that would be rounded to it, the ends too
        reach = 0.5 if self.whole else 0.0
        low, high = math.log(self.low - reach), math.log(self.high + reach)
        value = math.exp(low + place * (high - low))
        return self._written(min(max(value, self.low), self.high))

    def _written(self, value: float) -> str:
        if self.whole:
            return str(round(value))
        rounded = f"{value:.4g}"  # more tells nobody anything
        return rounded if self.low <= float(rounded) <= self.high else f"{value:.12g}"


@dataclass(frozen=True, slots=True)
class Space:
    """What is searched for in some texts: the arrows, and options by their names.

    Attributes:
        texts: field -> its text with braces.
        parameters: by the place of their braces, text by text.
    """

    texts: Mapping[str, str]
    parameters: tuple[Parameter, ...]

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> "Space":
        """Read the braces in some texts.

        Raises:
            NotationError: there are none, or braces that cannot be read, or hold an empty range.
        """
        parameters: dict[str, Parameter] = {}
        for field, text in texts.items():
            for match in _BRACES.finditer(text):
                if not _is_reference(match[1]):
                    one = _read(field, text, match, parameters)
                    parameters[one.name] = one
        if not parameters:
            raise NotationError(
                "there is nothing to search for",
                expected=f"at least one pair of braces: {_FORMS}",
                received=", ".join(texts.values()) or "no text",
            )
        space = cls(dict(texts), tuple(parameters.values()))
        space.at([0.5] * len(parameters))  # a name that stands for nothing is said now
        return space

    def at(self, places: Sequence[float]) -> dict[str, str]:
        """Return the texts with a value in each pair of braces.

        Args:
            places: from 0 to 1, one a parameter in their order.

        Raises:
            NotationError: a name that was given to no parameter.
        """
        values = self.values(places)
        unnamed = iter(self.parameters)

        def fill(match: re.Match[str]) -> str:
            if not _is_reference(match[1]):
                return values[next(unnamed).name]
            name = match[1].strip()
            if name not in values:
                raise NotationError(
                    f"nothing is called '{name}'", expected=_FORMS, received=match[0],
                    advice="name a range where it first stands: {" + name + ": 32..512 log}",
                )  # fmt: skip
            return values[name]

        return {field: _BRACES.sub(fill, text) for field, text in self.texts.items()}

    def values(self, places: Sequence[float]) -> dict[str, str]:
        """Return parameter -> value as it is written, for places from 0 to 1."""
        return {one.name: one.at(place) for one, place in zip(self.parameters, places, strict=True)}


def _is_reference(inside: str) -> bool:
    return _REFERENCE.fullmatch(inside) is not None


def _read(field: str, text: str, match: re.Match[str], known: Mapping[str, Parameter]) -> Parameter:
    """Read one pair of braces.

    Raises:
        NotationError: they cannot be read, hold an empty range, or a name that is taken.
    """
    named = _NAMED.fullmatch(match[1])
    inside = named[2] if named else match[1]
    name = named[1] if named else _called(field, text[: match.start()], known)
    if named and name in known:
        raise NotationError(
            f"'{name}' is named twice", expected="a name of its own for each", received=match[0],
            advice="{" + name + "} alone stands for the same value again",
        )  # fmt: skip
    found = _RANGE.fullmatch(inside)
    if found is not None:
        return _range(name, match[0], found)
    choices = tuple(choice.strip() for choice in inside.split(","))
    if len(choices) < 2 or not all(choices):
        raise NotationError(f"{match[0]} cannot be read", expected=_FORMS, received=match[0])
    return Parameter(name, choices=choices)


def _range(name: str, written: str, found: re.Match[str]) -> Parameter:
    low, high, how, step = float(found[1]), float(found[2]), found[3] or "", found[4]
    whole = all(re.fullmatch(r"[-+]?\d+", end) for end in (found[1], found[2], *([step] if step else [])))
    wrong = ""
    if not low < high:
        wrong = "it is empty: the first end must lie below the second"
    elif how == "log" and low <= 0:
        wrong = "a logarithmic scale has no 0 and nothing below"
    elif step and not 0 < float(step) <= high - low:
        wrong = "the step must be more than 0 and fit between the ends"
    if wrong:
        raise NotationError(f"{written}: {wrong}", expected=_FORMS, received=written)
    scale = "log" if how == "log" else "linear"
    each = float(step) if step else 1.0 if whole and scale == "linear" else 0.0
    return Parameter(name, low, high, scale, each, whole)


def _called(field: str, before: str, known: Mapping[str, Parameter]) -> str:
    """Return a name for what stands in braces without one: the word and argument that hold it, or the option."""
    holder = _HOLDER.search(before)
    if holder is not None:
        base = f"{holder[1]}.{holder[2]}" if holder[2] else holder[1]
    else:
        base = "word" if "->" in before or field == "network" else field
    count = sum(1 for name in known if name == base or name.startswith(f"{base} "))
    return base if count == 0 else f"{base} {count + 1}"
