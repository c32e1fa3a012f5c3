"""What a training recorded, as columns; filled by a session, or from a record.jsonl that another process appends to."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.errors import RunError
from pellucid.record import Epoch, Record, Result, Step, from_json_line

Column = npt.NDArray[np.float64]
AT_ONCE = 1 << 17
"""Bytes of a record that one look reads: some 800 lines, which take some milliseconds."""
_FIRST_LOOKS = 64
_EMPTY: Column = np.empty(0)


@dataclass
class Curves:
    """A record as it grows.

    Attributes:
        samples: training samples in an epoch; 0 where nobody knows.
        record: all that happened.
        version: rises whenever something was added or taken back.
    """

    samples: int = 0
    record: Record = field(default_factory=Record)
    version: int = 0
    _columns: dict[str, tuple[int, Column]] = field(default_factory=dict)

    def add(self, event: Step | Epoch) -> None:
        """Take in a step or an epoch."""
        if isinstance(event, Step):
            self.record.on_step(event)
        else:
            self.record.on_epoch(event)
        self.version += 1

    def clear(self) -> None:
        """Forget everything: it is read again."""
        self.record = Record()
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

    def best(self, metric: str) -> float:
        """Return a validation metric at the best epoch so far; NaN before the first."""
        chosen = [epoch for epoch in self.record.epochs if epoch.best]
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
        self._offset, self._inode = 0, -1

    def read_all(self) -> None:
        """Read what is there; of a very long record its beginning, the rest follows as it is polled."""
        for _ in range(_FIRST_LOOKS):
            if not self.poll():
                return

    def poll(self) -> bool:
        """Read the next lines, if any; return whether there were."""
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_ino != self._inode or status.st_size < self._offset:
                    self._begin(status.st_ino)
                file.seek(self._offset)
                block = file.read(AT_ONCE)
        except OSError as error:
            self.fault = error.strerror or type(error).__name__
            return False
        self.fault = ""
        whole = block[: block.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            self._take(line)
        return bool(whole)

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
        except (ValueError, TypeError, KeyError, AttributeError, RunError):
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
