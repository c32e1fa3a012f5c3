"""What a verb hands back to the command line."""

from dataclasses import dataclass
from typing import Any

INTERRUPTED = 130  # what a shell reports of a process that Ctrl-C ended


@dataclass(frozen=True, slots=True)
class Outcome:
    """The document `--json` writes, and the exit status.

    Attributes:
        is_told: another process writes the same document.
    """

    document: dict[str, Any]
    status: int = 0
    is_told: bool = False
