"""What a training writes into its run folder besides the record: what was asked, weights, checkpoints, times."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import filelock

from pellucid.data import Dataset
from pellucid.data.preprocessing import to_json
from pellucid.data.target_json import target_to_json
from pellucid.errors import RunError
from pellucid.files import append_line, from_json_line, write_bytes, write_json
from pellucid.networks import Plan, to_source
from pellucid.options import Options, flat_values
from pellucid.record import SCHEMA, Epoch, RecordFile, Step
from pellucid.training.checkpoint import save_checkpoint, save_weights, state_of
from pellucid.training.ranks import Ranks
from pellucid.training.session import Progress, Session
from pellucid.verbs.environment import digest, environment
from pellucid.verbs.repairing import Repair

WARNINGS = "warnings.json"
"""What is going wrong while a training runs, as findings.json says it at the end, which takes its place."""


def checkpoint_path(folder: Path) -> Path:
    """Return where a run keeps its last complete state."""
    return folder / "checkpoint" / "last.safetensors"


def write_beginning(
    folder: Path, session: Session, options: Options, plan: Plan | None, repairs: Sequence[Repair] = ()
) -> None:
    """Write what is known before the first step; run.json comes last, so that a folder with one is whole."""
    data = session.data
    (folder / "checkpoint").mkdir()
    (folder / "record.jsonl").touch()
    write_json(
        folder / "preprocessing.json",
        {"schema": SCHEMA, "input": to_json(data.preprocessing), "output": target_to_json(data.target)},
    )
    if plan is not None:
        write_bytes(folder / "network.py", to_source(plan, loader=True).encode())
    mended = {"repairs": [asdict(repair) for repair in repairs]} if repairs else {}
    write_json(folder / "run.json", {**_asked(session, options, plan), **mended})


def _asked(session: Session, options: Options, plan: Plan | None) -> dict[str, Any]:
    """Return what run.json holds: what was asked, what was chosen, and on what it runs."""
    data = session.data
    return {
        "schema": SCHEMA,
        "task": session.task.name,
        "data": described_data(data),
        "network": {
            "arrows": None if plan is None else str(plan),
            "module": type(session.network).__qualname__,
            "parameters": sum(p.numel() for p in session.network.parameters() if p.requires_grad),
            "sha256": digest(session.network),
        },
        "options": flat_values(options),
        "recipe": flat_values(session.recipe),
        **environment(session.device.device),
    }


def described_data(data: Dataset) -> dict[str, Any]:
    """Return what is kept of the data: where it lies, how it was read, what it holds."""
    return {
        "name": data.name,
        "kind": data.source.kind,
        "location": data.source.location,
        "sha256": data.source.sha256,
        "options": dict(data.source.options),
        "samples": {split: len(rows) for split, rows in data.rows.items()},
        "input": str(data.input_shape),
        "notes": list(data.notes),
    }


@contextlib.contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold the run folder for writing; the system lets go of it when this process ends, however it ends.

    Raises:
        RunError: another process is training into it.
    """
    lock = filelock.FileLock(folder / "checkpoint" / "lock", blocking=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise RunError(
            f"another process is training into {folder}",
            expected="one writer at a time",
            received="a second one",
            advice="wait until it ends, or stop it with Ctrl-C",
        ) from None
    try:
        yield
    finally:
        lock.release()


def held(folder: Path, ranks: Ranks) -> contextlib.AbstractContextManager[None]:
    """Hold the run folder as `only_writer` does, in the process that writes."""
    return only_writer(folder) if ranks.is_first else contextlib.nullcontext()


class Checkpoints:
    """A watcher that saves the session's whole state every so many seconds and epochs, and by `save`.

    The best weights are written beside it whenever they changed, so that a run under way can already be used.
    """

    def __init__(
        self, folder: Path, session: Session, record: RecordFile, seconds: float, epochs: int | None = None
    ) -> None:
        self._folder = folder
        self._session = session
        self._record = record
        self._seconds = seconds
        self._epochs = epochs
        self._saved_at = time.monotonic()
        self._saved_best_epoch = -1
        self._due = False

    def on_step(self, step: Step) -> None:
        """Wait for `save_if_due`."""

    def on_epoch(self, epoch: Epoch) -> None:
        """Be due where so many epochs were asked for."""
        self._due = self._epochs is not None and epoch.epoch % self._epochs == 0

    def save_if_due(self) -> None:
        """Save if the time or the epoch has come; to be called between steps."""
        due = self._due or time.monotonic() - self._saved_at >= self._seconds
        if self._session.ranks.any(due) if self._session.is_shared_out else due:
            self.save()

    def save(self) -> None:
        """Save now: first the record, which the checkpoint counts on, then the state, then the best weights."""
        self._record.sync()
        weights = save_checkpoint(checkpoint_path(self._folder), self._session)
        best_epoch = self._session.progress.best_epoch
        if best_epoch != self._saved_best_epoch:
            save_weights(self._folder / "weights.safetensors", weights)
            self._saved_best_epoch = best_epoch
        self._due, self._saved_at = False, time.monotonic()


def give_parts(session: Session) -> None:
    """Do what is left to the other ranks where `Checkpoints` saves a network that is shared out, or may do so."""
    if session.ranks.any(False):
        state_of(session)


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
        append_line(self._path, line)


def cut_record(folder: Path, progress: Progress) -> None:
    """Cut record.jsonl back to what had happened at a checkpoint, so that going on from there writes it whole again."""
    path = folder / "record.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    write_bytes(path, b"".join(line for line in lines if line.endswith(b"\n") and _happened(line, progress)))


def _happened(line: bytes, progress: Progress) -> bool:
    """Return whether a line of the record tells of something before a checkpoint."""
    event = from_json_line(line.decode())
    match event["kind"]:
        case "step":
            return bool(event["step"] <= progress.step)
        case "epoch":  # its last step may be done while it is not yet judged
            return bool(event["epoch"] < progress.epoch)
    return False  # a result belongs to the end
