"""A change of a script, line by line: what stands there, and what should.

An edit is made from `Span`s (places in the text) and kept as `Change`s (whole lines), because a person reads lines,
and a file that was touched since must be recognised.
"""

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from pellucid.errors import PellucidError


class EditError(PellucidError, ValueError):
    """An edit that does not fit the text it is applied to."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A piece of a text, `text[start:end]`, and what takes its place."""

    start: int
    end: int
    new: str


@dataclass(frozen=True, slots=True)
class Change:
    """Lines of a script and their replacement.

    Attributes:
        line: the first line concerned, from 1.
        old: the lines as they stand, without the last line break; None where lines are only added before `line`.
        new: what stands there afterwards; None where the lines go.
    """

    line: int
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Edit:
    """Changes of one file, from the top down, which do not overlap."""

    file: str
    changes: tuple[Change, ...]

    def to_json(self) -> dict[str, Any]:
        """Return this as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Edit":
        """Return what `to_json` wrote."""
        return cls(document["file"], tuple(Change(**change) for change in document["changes"]))

    def __str__(self) -> str:
        return "\n".join(_shown(change) for change in self.changes)


def make_edit(file: str, text: str, spans: Iterable[Span]) -> Edit | None:
    """Return the edit that puts the spans in place, or None where nothing would change or no Python is left.

    Args:
        file: the script's path.
        text: the script.
        spans: places that do not overlap; two additions at one place keep their order.
    """
    ordered = sorted(set(spans), key=lambda span: (span.start, span.end))
    if any(after.start < before.end for before, after in pairwise(ordered)):
        return None
    changes = tuple(
        change for group in _by_lines(text, ordered) if (change := _change(text, group)) and change.old != change.new
    )
    if not changes:
        return None
    edit = Edit(file, changes)
    new = apply(edit, text)
    return edit if new != text and _is_python(new) else None


def apply(edit: Edit, text: str) -> str:
    r"""Return the script with the edit made.

    >>> apply(Edit("train.py", (Change(2, "b = 2", "b = 3"), Change(3, None, "c = 4"))), "a = 1\nb = 2\n")
    'a = 1\nb = 3\nc = 4\n'

    Raises:
        EditError: the text is not the one the edit was made for.
    """
    lines = physical_lines(text)
    if lines and not lines[-1].endswith(("\n", "\r")):
        lines[-1] += "\n"
    for change in reversed(edit.changes):
        first, old = change.line - 1, [] if change.old is None else change.old.split("\n")
        standing = [line.rstrip("\r\n") for line in lines[first : first + len(old)]]
        if standing != old or first > len(lines):
            raise EditError(
                f"{edit.file} is no longer the script that was diagnosed",
                expected=f"line {change.line}: {change.old}",
                received="\n".join(standing) or "nothing",
                advice="diagnose it again",
            )
        ending = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
        new = [] if change.new is None else [line + ending for line in change.new.split("\n")]
        lines[first : first + len(old)] = new
    return "".join(lines)


def combined(edits: Iterable[Edit], text: str) -> Edit | None:
    """Return several edits of one file as one, or None where two of them touch the same line."""
    edits = list(edits)
    changes = sorted(
        {change for edit in edits for change in edit.changes},
        key=lambda change: (change.line, change.old is not None, change.new or ""),
    )
    for before, after in pairwise(changes):
        height = 0 if before.old is None else len(before.old.split("\n"))
        if after.line < before.line + height:
            return None
    whole = Edit(edits[0].file, tuple(changes))
    return whole if _is_python(apply(whole, text)) else None


def physical_lines(text: str) -> list[str]:
    """Return the lines of a text as Python counts them, with their ends; `str.splitlines` also ends lines elsewhere."""
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text)


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def _line_of(text: str, place: int) -> int:
    return text.count("\n", 0, place)


def _by_lines(text: str, spans: list[Span]) -> list[list[Span]]:
    """Group spans that share a line."""
    groups: list[list[Span]] = []
    last = -1
    for span in spans:
        first = _line_of(text, span.start)
        if groups and first <= last and not _adds_lines(text, span) and not _adds_lines(text, groups[-1][-1]):
            groups[-1].append(span)
        else:
            groups.append([span])
        last = max(last, _line_of(text, span.end))
    return groups


def _adds_lines(text: str, span: Span) -> bool:
    at_line = span.start == 0 or text[span.start - 1] == "\n" or span.start == len(text)
    return span.start == span.end and at_line and span.new.endswith("\n")


def _removes_lines(text: str, span: Span) -> bool:
    return not span.new and text[span.end - 1 : span.end] == "\n" and (span.start == 0 or text[span.start - 1] == "\n")


def _change(text: str, spans: list[Span]) -> Change | None:
    first, only = _line_of(text, spans[0].start), spans[0]
    if _adds_lines(text, only):
        if only.start == len(text) and text and not text.endswith("\n"):
            first += 1
        return Change(first + 1, None, only.new.removesuffix("\n"))
    if _removes_lines(text, only) and len(spans) == 1:
        return Change(first + 1, text[only.start : only.end].removesuffix("\n"), None)
    start = text.rfind("\n", 0, only.start) + 1
    end = text.find("\n", spans[-1].end)
    end = len(text) if end < 0 else end
    new = text[start:end]
    for span in reversed(spans):
        new = new[: span.start - start] + span.new + new[span.end - start :]
    return Change(first + 1, text[start:end], new)


def _shown(change: Change) -> str:
    if change.old is None:
        return f"before line {change.line}, add\n{change.new}"
    if change.new is None:
        return f"line {change.line}, remove\n{change.old}"
    return f"line {change.line}\n{change.old}\nbecomes\n{change.new}"
