"""The errors pellucid raises for a user's mistake: what was expected, what was received, what to do.

Anything else that escapes (an `AssertionError`, a `KeyError`) is a fault of ours.
"""

import difflib
import importlib.util
from collections.abc import Iterable, Sequence


class PellucidError(Exception):
    """Base of every error meant for the user.

    Args:
        message: what went wrong, one sentence.
        expected: what would have been right.
        received: what stood there.
        advice: what to do next.
    """

    def __init__(self, message: str, *, expected: str = "", received: str = "", advice: str = "") -> None:
        self.message = message
        self.expected = expected
        self.received = received
        self.advice = advice
        details = (("expected", expected), ("received", received), ("advice", advice))
        super().__init__("\n".join([message, *(f"  {name}: {text}" for name, text in details if text)]))


class NotationError(PellucidError, ValueError):
    """A network text that cannot be read, or whose shapes do not fit."""


class DataError(PellucidError, ValueError):
    """Data that cannot be found, read or used."""


class OptionError(PellucidError, ValueError):
    """An option or a value of it that does not exist or does not fit."""


class RunError(PellucidError, RuntimeError):
    """A run folder or a training that cannot go on."""


class DivergedError(RunError):
    """A training whose loss is no longer finite; weights and counters are as they were before that step."""


def require_installed(what: str, packages: Sequence[str], extra: str) -> None:
    """Refuse what needs packages that are an extra of pellucid's, where they are not installed.

    Args:
        what: needs them, such as `ONNX files need`.
        packages: as they are imported.
        extra: that brings them.

    Raises:
        RunError: naming those that are missing, and how they are installed.
    """
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise RunError(
            f"{what} more than is installed",
            expected=", ".join(packages),
            received=f"no {' and no '.join(missing)}",
            advice=f"pip install 'pellucid[{extra}]'",
        )


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the advice `did you mean 'x'?` for the known word closest to `word`, or an empty text.

    >>> nearest("learning_rat", ["epochs", "learning_rate"])
    "did you mean 'learning_rate'?"
    """
    by_lowercase = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lowercase, n=5, cutoff=0.6)
    if not close:
        return ""

    def likeness(candidate: str) -> tuple[float, int]:
        # of two that share as much with the word, the one of its length: `mpl` is a mistyped `mlp`, not a cut `sample`
        ratio = difflib.SequenceMatcher(None, candidate, word.lower()).ratio()
        return ratio, -abs(len(candidate) - len(word))

    return f"did you mean '{by_lowercase[max(close, key=likeness)]}'?"
