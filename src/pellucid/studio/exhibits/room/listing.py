"""Which runs a folder holds, and how each of them stands; what cannot be read is said, and the others are listed."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pellucid.errors import PellucidError, RunError
from pellucid.record import from_json_line
from pellucid.verbs.asked import as_damage, read_asked
from pellucid.verbs.folder import only_writer

State = Literal["training", "finished", "stopped", "diverged", "unreadable"]
MOST = 200
"""Runs that are listed, the newest."""
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
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs: dict[str, Listed] = {}
        self._read: dict[str, tuple[tuple[int, int, int], Listed]] = {}
        self.look()

    def look(self) -> None:
        """See what is there now, the newest first."""
        found = {name: self._known(name) for name in self._names()}
        self._read = {name: self._read[name] for name in found}
        newest = sorted(found.values(), key=lambda run: (-run.changed, run.name))[:MOST]
        self.runs = {run.name: run for run in newest}

    def require(self, name: str) -> Listed:
        """Return the run of that name; a name is only ever compared with those that were found.

        Raises:
            RunError: there is none.
        """
        if name not in self.runs:
            raise RunError(f"there is no run called '{name}'", received=name)
        return self.runs[name]

    def _names(self) -> list[str]:
        try:
            with os.scandir(self.folder) as entries:
                return [entry.name for entry in entries if (self.folder / entry.name / "run.json").is_file()]
        except OSError:
            return []

    def _known(self, name: str) -> Listed:
        folder = self.folder / name
        stamp = (_stamp(folder / "run.json"), _stamp(folder / "record.jsonl"), _stamp(folder / "findings.json"))
        known = self._read.get(name)
        if known is None or known[0] != stamp:
            known = self._read[name] = (stamp, _read(folder))
        run = known[1]
        return run if run.state != "stopped" else replace(run, state=_state_without_result(folder))


def _read(folder: Path) -> Listed:
    changed = max(_stamp(folder / "run.json"), _stamp(folder / "record.jsonl")) / 1e9
    try:
        asked = read_asked(folder)
        with as_damage(folder / "run.json"):
            metric, epochs = str(asked["recipe"]["metric"] or ""), int(asked["recipe"]["epochs"])
            str(asked["data"]["name"]), int(asked["data"]["samples"]["train"]), str(asked["network"]["module"])
    except (PellucidError, ValueError, OSError) as error:
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
        except (ValueError, TypeError):  # cut in its middle, or damaged
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
