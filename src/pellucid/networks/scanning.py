"""From text to tokens: names, numbers, arrows and marks, each with its place."""

import math
import re
from dataclasses import dataclass
from typing import Literal, cast

from pellucid.networks.place import Place, failure

LARGEST_COUNT = 10**9
ARROW_ADVICE = "an arrow is written -> or →"
KERNEL_ADVICE = "a kernel is written 5x5, without parentheses"

Kind = Literal["number", "name", "times", "arrow", "mark", "end"]

_TOKEN = re.compile(
    r"""(?P<skip>\s+|\#[^\n]*)
      | (?P<arrow>->|→)
      | (?P<number>-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | (?P<times>[x×](?=\s*[0-9(])|×)
      | (?P<time>T(?=\s*[x×=]))
      | (?P<name>[^\W\d][\w\-]*(?<!-))
      | (?P<mark>[()|,=*:.])""",
    re.VERBOSE,
)


_SIGNS_FROM_ELSEWHERE = {
    **dict.fromkeys("->", ARROW_ADVICE),
    **dict.fromkeys("[]", KERNEL_ADVICE),
    **dict.fromkeys("'\"", "names stand without quotes"),
    "%": "a share is written 0.5",
}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text."""

    kind: Kind
    text: str
    place: Place


def scan(text: str) -> list[Token]:
    """Return the tokens of a text, the last of kind `end`.

    Raises:
        NotationError: a character that begins no token.
    """
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise failure(
                Place(text, at, at + 1),
                "this character means nothing here",
                expected="words, numbers, '->', '|', ',', '=' and parentheses",
                received=repr(text[at]),
                advice=_SIGNS_FROM_ELSEWHERE.get(text[at], ""),
            )
        kind = str(match.lastgroup)
        if kind != "skip":
            kind = "name" if kind == "time" else kind
            tokens.append(Token(cast("Kind", kind), match.group(), Place(text, at, match.end())))
        at = match.end()
    return [*tokens, Token("end", "", Place(text, len(text.rstrip()), len(text.rstrip()) + 1))]


def number(token: Token) -> int | float:
    """Return the number a token says.

    Raises:
        NotationError: it is too long or not finite.
    """
    if len(token.text) > 40:
        raise failure(
            token.place, "this number is too long", expected="at most 40 characters", received=f"{len(token.text)}"
        )
    value = int(token.text) if token.text.lstrip("-").isdigit() else float(token.text)
    if not math.isfinite(value):
        raise failure(token.place, "this number is too large", expected="a finite number", received=token.text)
    return value


def whole_number(token: Token, minimum: int = 1) -> int:
    """Return the whole number a token says.

    Raises:
        NotationError: it is none, or out of range.
    """
    value = number(token)
    if not isinstance(value, int):
        raise failure(token.place, "this must be a whole number", expected="1, 2, 3, ...", received=token.text)
    return in_range(value, token.place, minimum)


def in_range(value: int, place: Place, minimum: int = 1) -> int:
    """Return the number, if it is at least `minimum` and not absurd.

    Raises:
        NotationError: it is not.
    """
    if not minimum <= value <= LARGEST_COUNT:
        raise failure(
            place, "this number is out of range", expected=f"{minimum} to {LARGEST_COUNT:,}", received=str(value)
        )
    return value


def said(token: Token) -> str:
    """Return how an error names a token."""
    return "the end of the text" if token.kind == "end" else f"'{token.text}'"
