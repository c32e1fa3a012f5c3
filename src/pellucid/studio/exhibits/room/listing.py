"""Which runs a folder holds, and how each of them stands; what cannot be read is said, and the others are listed."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pellucid.errors import PellucidError, RunError
from pellucid.files import as_damage, from_json_line
from pellucid.verbs.asked import read_asked
from pellucid.verbs.folder import only_writer

_Stamps = tuple[int, ...]
State = Literal["training", "finished", "stopped", "diverged", "unreadable"]
AT_ONCE = 24
"""Runs that one look reads, some milliseconds' work; those that follow read the others."""
MOST_LISTED = 50
"""Runs that the page's list shows, the newest of those that are looked for."""
_TAIL = 1 << 13
_AT_ONCE_AFTER = 60.0


@dataclass(frozen=True)
class Listed:
    """One run.

    Attributes:
        name: of its folder.
        changed: when its record last grew, in seconds since 1970.
        state: a diverged training left findings and no result, right after its last step.
        asked: run.json; empty where it cannot be read.
        metric: that chooses the best weights, and `value` the last known one; empty before the first epoch's end.
        epoch, epochs: done, and asked for.
        fault: why it cannot be read.
    """

    name: str
    changed: float
    state: State
    asked: Mapping[str, Any]
    metric: str = ""
    value: float = float("nan")
    epoch: int = 0
    epochs: int = 0
    fault: str = ""

    def described(self) -> str:
        """Return the words by which it may be looked for."""
        said = self.to_json()
        return " ".join(str(said[key]) for key in ("name", "state", "task", "data", "network")).casefold()

    def to_json(self) -> dict[str, Any]:
        """Return what the page's list shows."""
        data, network = (self.asked.get(key, {}) for key in ("data", "network"))
        return {
            "name": self.name, "changed": self.changed, "state": self.state, "task": self.asked.get("task", ""),
            "data": data.get("name", ""), "network": network.get("arrows") or network.get("module", ""),
            "metric": self.metric, "value": self.value, "epoch": self.epoch, "epochs": self.epochs, "fault": self.fault,
        }  # fmt: skip


class Listing:
    """The runs of a folder, looked at again and again; what did not change is not read again.

    Args:
        folder: that holds the run folders; there may be none.

    Attributes:
        runs: those that were read, the newest first.
        waiting: how many are still to be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs: dict[str, Listed] = {}
        self.waiting = 0
        self._read: dict[str, tuple[_Stamps, Listed]] = {}
        self.look()

    def look(self, wanted: Iterable[str] = ()) -> None:
        """See what is there now; read what is new, those that are wanted and then the newest, some at once."""
        stamps = {name: _stamps(self.folder / name) for name in self._names()}
        self._read = {name: known for name, known in self._read.items() if name in stamps}
        fresh = [name for name in stamps if name not in self._read]
        first = frozenset(wanted)
        fresh.sort(key=lambda name: (name not in first, -max(stamps[name][:2]), name))
        for name in [*self._read, *fresh[:AT_ONCE]]:
            self._read[name] = (stamps[name], self._known(name, stamps[name]))
        self.waiting = len(stamps) - len(self._read)
        newest = sorted((run for _, run in self._read.values()), key=lambda run: (-run.changed, run.name))
        self.runs = {run.name: run for run in newest}

    def found(self, text: str, state: str) -> list[Listed]:
        """Return the runs in that state ("all" for any) in which every word of a text occurs, the newest first."""
        words = text.casefold().split()
        return [
            run for run in self.runs.values()
            if state in ("all", run.state) and all(word in run.described() for word in words)
        ]  # fmt: skip

    def _names(self) -> list[str]:
        try:
            with os.scandir(self.folder) as entries:
                return [entry.name for entry in entries if (self.folder / entry.name / "run.json").is_file()]
        except OSError:
            return []

    def _known(self, name: str, stamps: _Stamps) -> Listed:
        """Return how a run stands; of one that trains, whether it still does, which no file tells."""
        known = self._read.get(name)
        if known is not None and known[0] == stamps and known[1].state != "training":
            return known[1]
        folder = self.folder / name
        run = _read(folder)
        return run if run.state != "stopped" else replace(run, state=_state_without_result(folder))


def _stamps(folder: Path) -> _Stamps:
    return tuple(_stamp(folder / name) for name in ("run.json", "record.jsonl", "findings.json"))


def _read(folder: Path) -> Listed:
    changed = max(_stamp(folder / "run.json"), _stamp(folder / "record.jsonl")) / 1e9
    try:
        asked = read_asked(folder)
        with as_damage(folder / "run.json"):
            metric, epochs = str(asked["recipe"]["metric"] or ""), int(asked["recipe"]["epochs"])
            str(asked["data"]["name"]), int(asked["data"]["samples"]["train"]), str(asked["network"]["module"])
    except (PellucidError, ValueError, OSError, RecursionError) as error:
        return Listed(folder.name, changed, "unreadable", {}, fault=str(error).split("\n", 1)[0])
    value, epoch, has_result = float("nan"), 0, False
    for event in _last_events(folder / "record.jsonl"):
        match event:
            case {"kind": "epoch", "epoch": int(epoch), "validation": {**metrics}}:
                # what a task is judged by stands right behind the loss, where no other metric was asked for
                metric = metric or next((str(name) for name in metrics if name != "loss"), "loss")
                value = _number(metrics.get(metric, value))
            case {"kind": "result", "metrics": {**metrics}}:
                value, has_result = _number(metrics.get(metric, value)), True
    return Listed(folder.name, changed, "finished" if has_result else "stopped", asked, metric, value, epoch, epochs)


def _last_events(path: Path) -> list[dict[str, Any]]:
    """Return what the last lines of a record say; lines that cannot be read say nothing."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            lines = file.read().split(b"\n")
    except OSError:
        return []
    events = []
    for line in lines:
        try:
            events.append(from_json_line(line.decode()))
        except (ValueError, TypeError, RecursionError):  # cut in its middle, or damaged
            continue
    return events


def _state_without_result(folder: Path) -> State:
    """Return how a training without a result stands: its writer holds the folder as long as it lives.

    A training that diverged leaves its findings as it ends; one that was stopped leaves none.
    """
    try:
        if (folder / "checkpoint" / "lock").exists():
            with only_writer(folder):
                pass
    except RunError:
        return "training"
    except OSError:
        return "stopped"
    record, findings = _stamp(folder / "record.jsonl"), _stamp(folder / "findings.json")
    return "diverged" if findings and abs(findings - record) / 1e9 < _AT_ONCE_AFTER else "stopped"


def _stamp(path: Path) -> int:
    """Return when a file was changed last, in nanoseconds; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
