"""What must happen to a series before a network sees it, fitted on the training steps and kept with the run.

Shape letters: T steps, W window, F features, N windows, B batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.data.dataset import Preprocessing, Samples
from pellucid.data.series import timeline
from pellucid.data.series.timeline import Timeline
from pellucid.data.tables import columns as column_kinds
from pellucid.data.tables import frames, infinite
from pellucid.data.tables.columns import Column
from pellucid.data.tables.preprocessing import encode
from pellucid.errors import DataError


@dataclass(frozen=True, slots=True)
class SeriesPreprocessing(Preprocessing):
    """Windows of past steps, stored as views (N, F, W) of one encoded series; the network's input is (B, W, F).

    Attributes:
        columns: the fitted columns, the target's first.
        time: what tells the time.
        targets: the columns that are forecast.
        window: past steps that the network sees.
        horizon: steps ahead that it forecasts.
    """

    kind: ClassVar[str] = "series"

    columns: tuple[Column, ...]
    time: Timeline
    targets: tuple[str, ...]
    window: int
    horizon: int

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the F features of a step."""
        return tuple(feature for column in self.columns for feature in column.features)

    def prepare(self, stored: Tensor) -> Tensor:
        """Return (B, W, F) of (B, F, W)."""
        return stored.transpose(1, 2).contiguous()

    def read(self, source: object) -> Samples:
        """Read a series and return all its windows, named by the step they forecast; the last forecasts the future.

        Args:
            source: a CSV, Parquet or Arrow file, a frame, or an array (T,) or (T, columns) in the columns' order.

        Raises:
            DataError: a column is missing, or there are fewer steps than a window.
        """
        if isinstance(source, np.ndarray | Tensor | list):
            table = self._as_frame(source)
            time, notes = Timeline((), dated=False), tuple[str, ...]()
        else:
            frame = frames.read(source, known=[column.name for column in self.columns])
            table, time, notes = frame.columns, self.time, frame.notes
            self._refuse_missing(table)
        infinite.refuse(table.select([column.name for column in self.columns]))
        table, moments, order_notes = timeline.in_order(table, time)
        steps, fill_notes = filled(table.select([column.name for column in self.columns]))
        target = steps[self.targets[0]]
        if len(steps) and target.null_count() == len(steps):
            raise DataError(
                f"the past of '{target.name}' is missing in every step, so nothing can be forecast from it",
                expected="numbers, as in training",
                received=f"{len(steps):,} empty fields",
            )
        encoded, value_notes = encode(steps, self.columns)
        if len(encoded) < self.window:
            raise DataError(
                "the series is shorter than the window the network sees",
                expected=f"at least {self.window} steps",
                received=f"{len(encoded)} steps",
            )
        windows_NFW = torch.from_numpy(encoded).unfold(0, self.window, 1)
        times = timeline.names(moments)
        names = [*times[self.window :], f"after {times[-1]}"]
        return Samples(windows_NFW, names, None, (*notes, *order_notes, *fill_notes, *value_notes))

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        return {
            "columns": [column.to_json() for column in self.columns],
            "time": {"columns": list(self.time.columns), "dated": self.time.dated},
            "targets": list(self.targets),
            "window": self.window,
            "horizon": self.horizon,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "SeriesPreprocessing":
        """Return what `to_json` described."""
        return cls(
            tuple(column_kinds.from_json(column) for column in document["columns"]),
            Timeline(tuple(document["time"]["columns"]), document["time"]["dated"]),
            tuple(document["targets"]),
            document["window"],
            document["horizon"],
        )

    def _as_frame(self, source: object) -> pl.DataFrame:
        try:
            values: NDArray[np.float64] = np.asarray(source, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(
                "these steps are no numbers", expected="an array (T,) or (T, columns)", received=str(error)
            ) from None
        values = values.reshape(len(values), -1) if values.size else values.reshape(0, len(self.columns))
        if values.shape[1] != len(self.columns):
            raise DataError(
                "the array has another number of columns than the series learned from",
                expected=f"{len(self.columns)}: {', '.join(column.name for column in self.columns)}",
                received=str(values.shape[1]),
            )
        columns = {column.name: values[:, index] for index, column in enumerate(self.columns)}
        return pl.DataFrame(columns).fill_nan(None)

    def _refuse_missing(self, table: pl.DataFrame) -> None:
        needed = (*(column.name for column in self.columns), *self.time.columns)
        missing = [name for name in needed if name not in table.columns]
        if missing:
            raise DataError(
                "the series lacks columns it was learned with",
                expected=frames.quoted(missing),
                received=frames.listed(table.columns),
            )


def filled(steps: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the steps with each missing value replaced by the last one before it, and a note.

    Only forward, so that no step knows the future; a gap at the beginning stays, and its column's median stands in.
    """
    counts = {name: count for name, count in steps.null_count().row(0, named=True).items() if count}
    if not counts:
        return steps, ()
    listed = ", ".join(f"'{name}' {count:,}" for name, count in counts.items())
    return steps.with_columns(pl.all().forward_fill()), (f"missing: {listed}; the last value before stands in",)
