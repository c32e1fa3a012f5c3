"""What a training recorded, as columns; filled by a session, or from a record.jsonl that another process appends to."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.errors import RunError
from pellucid.files import from_json_line
from pellucid.record import Epoch, Record, Result, Step

Column = npt.NDArray[np.float64]
AT_ONCE = 1 << 20
"""Bytes of a record that one look reads, whose lines take some milliseconds."""
MOST_STEPS = 4000
"""Steps that are kept; of a longer record every second is left out, then three of four, and so on."""
_MOST_PARSED = 400
_STEP = b'{"kind": "step"'


_DAMAGE = (ValueError, TypeError, KeyError, AttributeError, RunError, RecursionError)


@dataclass
class Curves:
    """A record as it grows.

    Attributes:
        samples: training samples in an epoch; 0 where nobody knows.
        record: what happened; of very many steps one in `stride`.
        steps: that were recorded.
        last: the newest of them, kept or not.
        version: rises whenever something was added or taken back.
    """

    samples: int = 0
    record: Record = field(default_factory=Record)
    steps: int = 0
    stride: int = 1
    last: Step | None = None
    version: int = 0
    _columns: dict[str, tuple[int, Column]] = field(default_factory=dict)

    def add(self, event: Step | Epoch) -> None:
        """Take in a step or an epoch."""
        if isinstance(event, Epoch):
            self.record.on_epoch(event)
        else:
            if self.takes_next:
                self.record.on_step(event)
            self.pass_over()
            self.last = event
        self.version += 1

    @property
    def takes_next(self) -> bool:
        """Whether the next step is one of those that are kept."""
        return self.steps % self.stride == 0

    def pass_over(self) -> None:
        """Count a step; keep one in twice as many where they have become too many."""
        self.steps += 1
        if len(self.record.steps) > MOST_STEPS:
            self.record.steps[:] = self.record.steps[::2]
            self.stride *= 2

    def clear(self) -> None:
        """Forget everything: it is read again."""
        self.record, self.steps, self.stride, self.last = Record(), 0, 1, None
        self.version += 1

    def of_steps(self, name: str) -> Column:
        """Return a field of all steps, (S)."""
        return self._column(f"step.{name}", lambda: [getattr(step, name) for step in self.record.steps])

    def of_epochs(self, name: str) -> Column:
        """Return a field of all epochs, or a validation metric as `validation.loss`, (E); NaN where it is missing."""
        kind, _, metric = name.partition(".")
        if metric:
            return self._column(name, lambda: [each.validation.get(metric, np.nan) for each in self.record.epochs])
        return self._column(f"epoch.{name}", lambda: [getattr(each, kind) for each in self.record.epochs])

    def place_of_steps(self, axis: str) -> Column:
        """Return where the steps stand, (S): their numbers, or epochs as fractions."""
        if axis == "step":
            return self.of_steps("step")
        return self.of_steps("samples") / self.samples if self.samples else self.of_steps("epoch")

    def place_of_epochs(self, axis: str) -> Column:
        """Return where the ends of the epochs stand, (E)."""
        return self.of_epochs("step" if axis == "step" else "epoch")

    def best(self, metric: str, until: int | None = None) -> float:
        """Return a validation metric at the best epoch so far, or of the first `until`; NaN before the first."""
        chosen = [epoch for epoch in self.record.epochs[:until] if epoch.best]
        return float(chosen[-1].validation.get(metric, np.nan)) if chosen else float("nan")

    def _column(self, name: str, values: Any) -> Column:
        known = self._columns.get(name)
        if known is None or known[0] != self.version:
            known = self._columns[name] = (self.version, np.asarray(values(), dtype=np.float64))
        return known[1]


class Tail:
    """Reads what is new in a record.jsonl while another process writes it.

    Going on with a training cuts its record back by putting another file in its place; then all is read again.

    Args:
        path: the record.
        curves: are filled.

    Attributes:
        fault: what is wrong with the file, or nothing.
        lost: lines that could not be read and were left out.
    """

    def __init__(self, path: Path, curves: Curves) -> None:
        self.path, self.curves = path, curves
        self.fault, self.lost = "", 0
        self._offset, self._size, self._inode = 0, 0, -1

    @property
    def share(self) -> float:
        """How much of the record has been read, of 1."""
        return self._offset / self._size if self._size else 1.0

    def poll(self) -> bool:
        """Read the next lines, if any; return whether there were."""
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_ino != self._inode or status.st_size < self._offset:
                    self._begin(status.st_ino)
                file.seek(self._offset)
                block = file.read(AT_ONCE)
                self._size = status.st_size
        except OSError as error:
            self.fault = error.strerror or type(error).__name__
            return False
        self.fault = ""
        read = self._take_all(block[: block.rfind(b"\n") + 1])
        if not read and len(block) == AT_ONCE:  # no line of ours is as long: not a record
            read, self.lost = len(block), self.lost + 1
        self._offset += read
        return bool(read)

    def _take_all(self, block: bytes) -> int:
        """Take in whole lines, so many as may be parsed at once; return their bytes."""
        at = parsed = 0
        newest = b""
        while at < len(block) and parsed < _MOST_PARSED:
            end = block.index(b"\n", at) + 1
            line, at = block[at:end], end
            is_step = line.startswith(_STEP)
            if is_step and not self.curves.takes_next:
                self.curves.pass_over()
                newest = line
                continue
            newest, parsed = b"" if is_step else newest, parsed + 1
            self._take(line)
        if newest:
            self._take_newest(newest)
        return at

    def _begin(self, inode: int) -> None:
        if self._inode != -1:
            self.curves.clear()
        self._inode, self._offset, self.lost = inode, 0, 0

    def _take(self, line: bytes) -> None:
        try:
            fields = from_json_line(line.decode())
            match fields.pop("kind"):
                case "step":
                    self.curves.add(Step(**_numbers(fields)))
                case "epoch":
                    self.curves.add(Epoch(**_numbers(fields | {"validation": _numbers(fields["validation"])})))
                case "result":
                    self.curves.record.result = Result(**fields)
                    self.curves.version += 1
        except _DAMAGE:
            self.lost += 1

    def _take_newest(self, line: bytes) -> None:
        """Know the newest step, which is not among those that are kept."""
        try:
            fields = from_json_line(line.decode())
            del fields["kind"]
            self.curves.last = Step(**_numbers(fields))
            self.curves.version += 1
        except _DAMAGE:
            self.lost += 1


def _numbers(fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields as they are, if they hold numbers.

    Raises:
        TypeError: one holds something else: another program wrote here.
    """
    for name, value in fields.items():
        if not isinstance(value, int | float | dict):
            raise TypeError(f"{name} is {type(value).__name__}")
    return fields
