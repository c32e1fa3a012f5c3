"""Where in a text something stands, and errors that point there."""

from dataclasses import dataclass

from pellucid.errors import NotationError

_WIDTH = 96
_MARGIN = "    "


@dataclass(frozen=True, slots=True)
class Place:
    """The characters `start` to `end` (exclusive) of a text."""

    text: str
    start: int
    end: int

    def until(self, other: "Place") -> "Place":
        """Return the place from the start of this one to the end of the other."""
        return Place(self.text, self.start, other.end)

    @property
    def content(self) -> str:
        """What stands there."""
        return self.text[self.start : self.end]

    def picture(self) -> str:
        """Return the line that holds the place, with carets under it; a long line is cut around the place."""
        line_start = self.text.rfind("\n", 0, self.start) + 1
        line = self.text[line_start:].split("\n", 1)[0].replace("\t", " ").rstrip()
        start = min(self.start - line_start, len(line))
        end = max(start + 1, min(self.end - line_start, len(line)))
        if len(line) > _WIDTH:
            line, start, end = _cut(line, start, end)
        number = self.text.count("\n", 0, self.start) + 1
        prefix = f"line {number}: " if "\n" in self.text.strip() else ""
        return f"{_MARGIN}{prefix}{line}\n{_MARGIN}{' ' * (len(prefix) + start)}{'^' * (end - start)}"


class MisfitError(NotationError):
    """What a word refuses, before it is known where in a text the word stands."""


def failure(place: Place, message: str, *, expected: str = "", received: str = "", advice: str = "") -> NotationError:
    """Return the `NotationError` that shows the place."""
    return NotationError(f"{message}\n{place.picture()}", expected=expected, received=received, advice=advice)


def failure_of(misfit: MisfitError, place: Place | None) -> NotationError:
    """Return the `NotationError` a misfit becomes at its place."""
    message = misfit.message if place is None else f"{misfit.message}\n{place.picture()}"
    return NotationError(message, expected=misfit.expected, received=misfit.received, advice=misfit.advice)


def _cut(line: str, start: int, end: int) -> tuple[str, int, int]:
    left = max(0, min(start - _WIDTH // 3, len(line) - _WIDTH))
    right = min(len(line), left + _WIDTH)
    before, after = ("… " if left else ""), (" …" if right < len(line) else "")
    shift = len(before) - left
    return before + line[left:right] + after, start + shift, max(start + 1, min(end, right)) + shift
