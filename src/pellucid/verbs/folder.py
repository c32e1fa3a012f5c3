# ruff: noqa: ARG002 - a watcher receives events it may have no use for
"""What a training writes into its run folder besides the record: what was asked, weights, checkpoints, times."""

import platform
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch

from pellucid.data.preprocessing import target_to_json, to_json
from pellucid.networks import Plan, to_source
from pellucid.options import Options, flat_values
from pellucid.record import SCHEMA, Epoch, Step, from_json_line, to_json_line, write_bytes, write_json
from pellucid.training.checkpoint import save_checkpoint, save_weights
from pellucid.training.session import Session

_CHECKPOINT_SECONDS = 30.0


def checkpoint_path(folder: Path) -> Path:
    """Return where a run keeps its last complete state."""
    return folder / "checkpoint" / "last.safetensors"


def write_beginning(folder: Path, session: Session, options: Options, plan: Plan | None) -> None:
    """Write what is known before the first step: run.json, preprocessing.json and network.py."""
    data, task = session.data, session.task
    write_json(
        folder / "run.json",
        {
            "schema": SCHEMA,
            "task": task.name,
            "data": {
                "name": data.name,
                "kind": data.source.kind,
                "location": data.source.location,
                "sha256": data.source.sha256,
                "options": dict(data.source.options),
                "samples": {split: len(rows) for split, rows in data.rows.items()},
                "input": str(data.input_shape),
                "notes": list(data.notes),
            },
            "network": {
                "arrows": None if plan is None else str(plan),
                "module": type(session.network).__qualname__,
                "parameters": sum(p.numel() for p in session.network.parameters()),
            },
            "options": flat_values(options),
            "recipe": flat_values(session.recipe),
            "device": str(session.device.device),
            "threads": torch.get_num_threads(),
            "versions": _versions(),
        },
    )
    write_json(
        folder / "preprocessing.json",
        {"schema": SCHEMA, "input": to_json(data.preprocessing), "output": target_to_json(data.target)},
    )
    if plan is not None:
        write_bytes(folder / "network.py", to_source(plan).encode())
    (folder / "checkpoint").mkdir()


class Checkpoints:
    """A watcher that saves the session's whole state every 30 seconds and, by `save`, when the training ends.

    The best weights are written beside it whenever they changed, so that a run under way can already be used.
    """

    def __init__(self, folder: Path, session: Session) -> None:
        self._folder = folder
        self._session = session
        self._saved_at = time.monotonic()
        self._saved_best_epoch = -1

    def on_step(self, step: Step) -> None:
        """Save if it is time."""
        self._save_if_due()

    def on_epoch(self, epoch: Epoch) -> None:
        """Save if it is time."""
        self._save_if_due()

    def save(self) -> None:
        """Save now."""
        save_checkpoint(checkpoint_path(self._folder), self._session)
        best_epoch = self._session.progress.best_epoch
        if best_epoch != self._saved_best_epoch:
            # before the first epoch's end nothing was judged yet: the weights are what they are
            save_weights(
                self._folder / "weights.safetensors", self._session.best_weights or self._session.network.state_dict()
            )
            self._saved_best_epoch = best_epoch
        self._saved_at = time.monotonic()

    def _save_if_due(self) -> None:
        if time.monotonic() - self._saved_at >= _CHECKPOINT_SECONDS:
            self.save()


class Times:
    """A watcher that keeps what depends on the clock in timing.jsonl, apart from the reproducible record."""

    def __init__(self, path: Path, session: Session) -> None:
        self._path = path
        self._session = session
        self._opened = self._began = time.perf_counter()
        self._append({"kind": "begin", "at": datetime.now(UTC).isoformat(timespec="seconds")})

    @property
    def seconds(self) -> float:
        """Seconds since the training began or went on."""
        return time.perf_counter() - self._opened

    def on_step(self, step: Step) -> None:
        """Keep nothing: an epoch's time is enough."""

    def on_epoch(self, epoch: Epoch) -> None:
        """Keep the epoch's seconds, its validation included."""
        now = time.perf_counter()
        seconds, self._began = now - self._began, now
        samples = len(self._session.data.rows["train"])
        self._append(
            {"kind": "epoch", "epoch": epoch.epoch, "seconds": seconds, "samples_per_second": samples / seconds}
        )

    def _append(self, line: dict[str, object]) -> None:
        with self._path.open("a") as file:
            file.write(to_json_line(line))


def cut_record(folder: Path, step: int) -> None:
    """Cut record.jsonl back to what had happened at a step, so that going on from there writes it whole again."""
    path = folder / "record.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if line.endswith(b"\n") and _step_of(line) <= step]
    write_bytes(path, b"".join(kept))


def _step_of(line: bytes) -> float:
    document = from_json_line(line.decode())
    step = document.get("step", float("inf"))  # a result belongs to the end
    assert isinstance(step, (int, float))
    return step


def _versions() -> dict[str, str]:
    return {
        "pellucid": version("pellucid"),
        "torch": torch.__version__,
        "numpy": version("numpy"),
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
