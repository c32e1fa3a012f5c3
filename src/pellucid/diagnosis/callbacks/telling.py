"""What the callbacks of all libraries share: a watch from the beginning of a training to its end, and what is said."""

import contextlib
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from pellucid.diagnosis.alarm import Alarm
from pellucid.diagnosis.suspicion import Suspicion
from pellucid.diagnosis.watch import Diagnosis, Watch
from pellucid.errors import RunError
from pellucid.files import write_json

Tell = Callable[[str], None]


def first_of(*places: str) -> Any:
    """Return the first class that can be imported, or None; a library that is there but broken says so itself."""
    for place in places:
        module, _, name = place.rpartition(".")
        with contextlib.suppress(ModuleNotFoundError):
            return getattr(importlib.import_module(module), name)
    return None


def require(base: Any, library: str, extra: str) -> None:
    """Refuse to make a callback for a library that is not there.

    Raises:
        RunError: with how to install it.
    """
    if base is None:
        raise RunError(
            f"{library} is not installed", expected=library, received="none", advice=f"pip install 'pellucid[{extra}]'"
        )


def to_stderr(line: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"{line}\n")


class Telling:
    """A watch over one training, which says once of each cause that it is going wrong.

    Args:
        tell: is given each line.
        path: of a JSON file for what was found in the end; none by default.
    """

    def __init__(self, tell: Tell = to_stderr, path: str | os.PathLike[str] | None = None) -> None:
        self._tell = tell
        self._path = None if path is None else Path(path)
        self._watch: Watch | None = None
        self._alarm: Alarm | None = None
        self._told: set[str] = set()
        self.diagnosis: Diagnosis | None = None

    def begin(self, model: torch.nn.Module | None) -> None:
        """Begin to watch; what an earlier training left is forgotten."""
        self.abandon()
        self._told.clear()
        self.diagnosis = None
        self._watch = Watch(model).__enter__()
        self._alarm = Alarm(self._watch)

    def look(self) -> None:
        """Say what is going wrong, where that was not said before."""
        for suspicion in (self._alarm.ask() if self._alarm is not None else None) or ():
            self._say(suspicion)

    def end(self) -> None:
        """Watch no more, and say what is wrong in the end."""
        watch, self._watch, self._alarm = self._watch, None, None
        if watch is None:
            return
        watch.__exit__(None, None, None)
        self.diagnosis = watch.diagnosis()
        for suspicion in self.diagnosis.suspicions:
            if suspicion.severity != "info":
                self._say(suspicion)
        if self._path is not None:
            write_json(self._path, self.diagnosis.to_json())

    def abandon(self) -> None:
        """Watch no more, and leave torch as it was."""
        if self._watch is not None:
            self._watch.__exit__(None, None, None)
        self._watch = self._alarm = None

    def _say(self, suspicion: Suspicion) -> None:
        if suspicion.cause not in self._told:
            self._told.add(suspicion.cause)
            where = suspicion.where
            place = f"{where.file}:{where.line}" if where.file else where.module
            said = f"{suspicion.severity}, {suspicion.cause}" + (f", {place}" if place else "")
            self._tell(f"pellucid: {said}: {suspicion.explanation}")
