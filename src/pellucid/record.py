"""Plain data of a run: what happened at a step and an epoch, what a diagnosis found, and the files that keep them.

JSON Lines, appended as things happen; a value that JSON cannot say (NaN, infinity) is written as its name in quotes.
"""

import contextlib
import errno
import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, Protocol

from pellucid.errors import RunError
from pellucid.notebook import card, facts, paragraph

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Step:
    """A sampled optimiser step.

    Attributes:
        step: optimiser steps so far, from 1.
        epoch: the epoch it belongs to, from 1.
        loss: mean training loss over the steps since the last sampled one.
        learning_rate: the rate this step used.
        gradient_norm: Euclidean norm of the whole gradient before clipping.
        samples: training samples seen so far.
    """

    step: int
    epoch: int
    loss: float
    learning_rate: float
    gradient_norm: float
    samples: int


@dataclass(frozen=True, slots=True)
class Epoch:
    """The end of an epoch: mean training loss, validation metrics, and whether they are the best so far."""

    epoch: int
    step: int
    loss: float
    validation: Mapping[str, float]
    best: bool


@dataclass(frozen=True, slots=True)
class Result:
    """How the best weights did on a split that chose nothing: the end of a record."""

    split: str
    metrics: Mapping[str, float]
    best_epoch: int


@dataclass(frozen=True, slots=True)
class SeedResult:
    """How a training went with one seed: the metrics of its best weights, or why there are none.

    Attributes:
        seed: of weights, batch order, dropout and augmentation.
        epochs: that were trained.
        best_epoch: whose weights these are.
        split: that was judged, which chose nothing.
        metrics: empty where the training diverged.
        ended: what was said of one that did.
    """

    seed: int
    epochs: int
    best_epoch: int
    split: str
    metrics: Mapping[str, float]
    ended: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause a diagnosis names, with its evidence; the fields are the diagnosis contract's."""

    cause: str
    severity: Literal["critical", "warning", "info"]
    confidence: float
    where: Mapping[str, Any]
    evidence: tuple[Mapping[str, Any], ...]
    explanation: str
    remedies: tuple[Mapping[str, Any], ...]
    step: int

    def _repr_html_(self) -> str:
        """Return what was found as a notebook shows it."""
        place = ", ".join(f"{name} {value}" for name, value in self.where.items() if value is not None)
        measured = [
            (str(each.get("measure", "")), f"{_shown(each.get('value'))} (reference {_shown(each.get('reference'))})")
            for each in self.evidence
        ]
        advice = [("do", str(each.get("action", ""))) for each in self.remedies]
        return card(
            f"{self.severity}: {self.cause}",
            paragraph(self.explanation),
            facts([("sure", f"{self.confidence:.0%}"), *([("where", place)] if place else []), *measured, *advice]),
        )


class Findings(tuple[Finding, ...]):
    """Findings in their order, which a notebook shows one below the other."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return "".join(finding._repr_html_() for finding in self) or card("nothing was found")


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a network says of one input.

    Attributes:
        name: the input's file name or row number.
        label: the class with the highest probability, or None where there is none.
        probabilities: class or label -> probability, highest first.
        values: target -> value in its own unit; share of the pixels a class has; a column given back.
        words: column given back -> the word, or the date.
        picture: a PNG file, where the answer is an image or the class of every pixel.
        labels: those more likely than not, where any number of them may apply; None where that is not asked.
        tasks: what is said of each target, where there are several.
    """

    name: str
    label: str | None
    probabilities: Mapping[str, float]
    values: Mapping[str, float]
    words: Mapping[str, str] = field(default_factory=dict)
    picture: bytes | None = None
    labels: tuple[str, ...] | None = None
    tasks: Mapping[str, "Prediction"] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return this as plain data, without the picture."""
        if self.tasks:
            return {"input": self.name, "tasks": {name: _without_name(part) for name, part in self.tasks.items()}}
        if self.labels is not None:
            return {"input": self.name, "labels": list(self.labels), "probabilities": dict(self.probabilities)}
        if self.label is not None:
            return {"input": self.name, "class": self.label, "probabilities": dict(self.probabilities)}
        return {"input": self.name, "values": {**self.values, **self.words}}


def _without_name(prediction: Prediction) -> dict[str, Any]:
    return {key: value for key, value in prediction.to_json().items() if key != "input"}


class Watcher(Protocol):
    """Anything that wants to know how a training goes; it must not change it."""

    def on_step(self, step: Step) -> None:
        """Receive a sampled step."""

    def on_epoch(self, epoch: Epoch) -> None:
        """Receive the end of an epoch."""


@dataclass(slots=True)
class Record:
    """All steps and epochs of a run, in order, and its result; itself a watcher, to be filled by any loop."""

    steps: list[Step] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)
    result: Result | None = None

    def on_step(self, step: Step) -> None:
        """Keep a step."""
        self.steps.append(step)

    def on_epoch(self, epoch: Epoch) -> None:
        """Keep an epoch."""
        self.epochs.append(epoch)

    @classmethod
    def read(cls, path: Path) -> "Record":
        """Read record.jsonl; a last line cut off by a crash is left out.

        Raises:
            RunError: the file is missing or damaged.
        """
        record = cls()
        if not path.exists():
            raise RunError(f"{path} is missing", advice="was the training begun?")
        try:
            for fields in read_lines(path):
                match fields.pop("kind"):
                    case "step":
                        record.steps.append(Step(**fields))
                    case "epoch":
                        record.epochs.append(Epoch(**fields))
                    case "result":
                        record.result = Result(**fields)
        except (KeyError, TypeError) as error:
            raise RunError(f"{path} is damaged", expected="a JSON object a line", received=str(error)) from None
        return record


class RecordFile:
    """A watcher that appends each step and epoch, and at last the result, to a JSON Lines file as it happens.

    Each line is handed to the operating system at once, so that it outlives a process that is killed.
    """

    def __init__(self, path: Path) -> None:
        with writing(path):
            self._file: IO[bytes] = path.open("ab", buffering=0)

    def on_step(self, step: Step) -> None:
        """Append a step."""
        self._append("step", step)

    def on_epoch(self, epoch: Epoch) -> None:
        """Append an epoch."""
        self._append("epoch", epoch)

    def on_result(self, result: Result) -> None:
        """Append the result."""
        self._append("result", result)

    def sync(self) -> None:
        """Return when all lines are on the disk: before a checkpoint that counts on them."""
        with writing(self._file.name):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _append(self, kind: str, event: Step | Epoch | Result) -> None:
        with writing(self._file.name):
            line = to_json_line({"kind": kind, **asdict(event)}).encode()
            while line:  # a disk that fills up takes a part, and refuses the rest
                line = line[self._file.write(line) :]


def to_json_line(document: Mapping[str, Any]) -> str:
    """Return one JSON line; floats keep every bit, NaN and infinities become "NaN", "Infinity", "-Infinity"."""
    return json.dumps(_spell(document), allow_nan=False, ensure_ascii=False) + "\n"


def from_json_line(line: str) -> dict[str, Any]:
    """Return what `to_json_line` wrote."""
    document = _unspell(json.loads(line))
    if not isinstance(document, dict):
        raise TypeError(f"{type(document).__name__} in place of an object")
    return document


def append_line(path: Path, document: Mapping[str, Any]) -> None:
    """Append one JSON line to a file, which is made where there is none."""
    with writing(path), path.open("a", encoding="utf-8") as file:
        file.write(to_json_line(document))


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read what `append_line` wrote; a last line cut off by a crash is left out, and no file has none.

    Raises:
        RunError: the file is damaged.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        return [from_json_line(line) for line in lines if line.endswith("\n")]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError) as error:
        raise RunError(f"{path} is damaged", expected="a JSON object a line", received=str(error)) from None


def drop_cut_line(path: Path) -> None:
    """Take away a last line that a crash cut off, so that what is appended stands on a line of its own."""
    if path.exists():
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            write_bytes(path, whole)


def json_text(document: Mapping[str, Any]) -> str:
    """Return a JSON document, indented for people; NaN and infinities as in `to_json_line`."""
    return json.dumps(_spell(document), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON file whole or not at all, indented for people."""
    write_bytes(path, json_text(document).encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote.

    Raises:
        RunError: the file is missing or is not a JSON object.
    """
    try:
        document = _unspell(json.loads(path.read_text()))
    except FileNotFoundError:
        raise RunError(f"{path} is missing", advice="is this a run folder, and was its training begun?") from None
    except ValueError as error:
        raise RunError(f"{path} is damaged", expected="a JSON object", received=str(error)) from None
    if not isinstance(document, dict):
        raise RunError(f"{path} is damaged", expected="a JSON object", received=type(document).__name__)
    return document


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: to a temporary name, flushed to the disk, then renamed."""
    temporary = path.with_name(path.name + ".tmp")
    with writing(path):
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)  # what was there before stays; half a file would only fill the disk
            raise


@contextlib.contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Say what to do where a file cannot be written.

    Raises:
        RunError: no space is left, the right to write is missing, the folder is gone, or the disk failed otherwise.
    """
    try:
        yield
    except OSError as error:
        is_full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        mend = "make room" if is_full else "see that its folder is there and may be written into"
        raise RunError(
            f"the disk takes no more: {path} could not be written" if is_full else f"{path} cannot be written",
            expected="free space" if is_full else "a folder that takes files",
            received=error.strerror or str(error),
            advice=f"{mend}; a training goes on from its last checkpoint with: pellucid train --resume RUN",
        ) from None


def new_run_folder(parent: Path, name: str | None, data_name: str) -> Path:
    """Make the folder of a new run: `parent/name`, or the data's name and the first free counter.

    Raises:
        RunError: `name` is taken (a run is never overwritten) or is no name, or no folder can be made there.
    """
    if name is not None and (name in {"", ".", ".."} or Path(name).name != name):
        raise RunError(f"a run cannot be called '{name}'", expected="a folder's name", received=name or "nothing")
    try:
        parent.mkdir(parents=True, exist_ok=True)
        if name is None:
            return _next_folder(parent, data_name)
        (parent / name).mkdir()
    except FileExistsError:
        if name is None or not parent.is_dir():
            raise RunError(f"{parent} is a file", expected="a folder for runs", received="a file") from None
        message = f"{parent / name} exists"
        raise RunError(message, advice="choose another --name; a run is never overwritten") from None
    except OSError as error:
        advice = "choose another --folder"
        raise RunError(
            f"no run can be kept in {parent}", received=os.strerror(error.errno or 0), advice=advice
        ) from None
    return parent / name


def _next_folder(parent: Path, data_name: str) -> Path:
    counter = 1
    while True:
        folder = parent / f"{data_name}-{counter}"
        try:
            folder.mkdir()
        except FileExistsError:
            counter += 1
        else:
            return folder


def _spell(value: Any) -> Any:
    match value:
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case Mapping():
            return {str(key): _spell(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_spell(inner) for inner in value]
        case Path():
            return str(value)
    return value


def _unspell(value: Any) -> Any:
    match value:
        case "NaN" | "Infinity" | "-Infinity":
            return float(value)
        case dict():
            return {key: _unspell(inner) for key, inner in value.items()}
        case list():
            return [_unspell(inner) for inner in value]
    return value
