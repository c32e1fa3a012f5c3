"""Plain data of a run: what happened at a step and an epoch, what a diagnosis found, and what a network says."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, Protocol

from pellucid.errors import RunError
from pellucid.files import as_damage, read_json, read_lines, to_json_line, writing
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

    def __str__(self) -> str:
        """Return what was found as a terminal shows it."""
        told = [f"  {name}: {text}" for name, text in self._facts()]
        return "\n".join([self._title, f"  {self.explanation}", *told])

    def _repr_html_(self) -> str:
        """Return what was found as a notebook shows it."""
        return card(self._title, paragraph(self.explanation), facts(self._facts()))

    @property
    def _title(self) -> str:
        return f"{self.severity}: {self.cause}"

    def _facts(self) -> list[tuple[str, str]]:
        place = ", ".join(f"{name} {value}" for name, value in self.where.items() if value is not None)
        measured = [(str(each.get("measure", "")), _measured(each)) for each in self.evidence]
        advice = [("do", str(each.get("action", ""))) for each in self.remedies]
        return [("sure", f"{self.confidence:.0%}"), *([("where", place)] if place else []), *measured, *advice]


class Findings(tuple[Finding, ...]):
    """Findings in their order, which `print` and a notebook show one below the other."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n\n".join(map(str, self)) or "nothing was found"

    def _repr_html_(self) -> str:
        return "".join(finding._repr_html_() for finding in self) or card("nothing was found")


def read_findings(path: Path) -> Findings:
    """Return the findings of a document that a diagnosis wrote.

    Raises:
        RunError: the file is missing or damaged.
    """
    document = read_json(path)
    with as_damage(path):
        return Findings(_finding(**each) for each in document["findings"])


def _finding(  # noqa: PLR0913 (the fields of a finding, in a file that anyone may have changed)
    *, cause: Any, severity: Any, confidence: Any, where: Any, evidence: Any, explanation: Any, remedies: Any, step: Any
) -> Finding:
    told = tuple(map(dict, evidence)), tuple(map(dict, remedies))
    return Finding(str(cause), severity, float(confidence), dict(where), told[0], str(explanation), told[1], int(step))


def _measured(evidence: Mapping[str, Any]) -> str:
    reference = evidence.get("reference")
    return _shown(evidence.get("value")) + ("" if reference is None else f" (reference {_shown(reference)})")


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
