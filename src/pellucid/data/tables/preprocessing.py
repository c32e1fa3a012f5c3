"""What must happen to a row of a table before a network sees it, fitted on training rows and kept with the run.

Shape letters: N rows, F features.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.data.answers import Answer
from pellucid.data.dataset import Preprocessing, Samples
from pellucid.data.tables import columns as column_kinds
from pellucid.data.tables import frames, infinite
from pellucid.data.tables.answers import stored_as
from pellucid.data.tables.columns import Column
from pellucid.data.target_json import target_from_json, target_to_json
from pellucid.errors import DataError, nearest


@dataclass(frozen=True, slots=True)
class TablePreprocessing(Preprocessing):
    """Rows of a table to features; the stored form is the network's input already.

    Attributes:
        columns: the fitted columns, in the order of their features.
        names: all columns of the source, in order; what a file without a header is read by.
        has_header: whether the source named its columns.
        targets: the target columns; none where the table is learned from its inputs alone.
        answer: what their values mean; None likewise.
        identifier: a column that names the rows, or None.
    """

    kind: ClassVar[str] = "table"

    columns: tuple[Column, ...]
    names: tuple[str, ...]
    has_header: bool
    targets: tuple[str, ...]
    answer: Answer | None
    identifier: str | None = None

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the F features."""
        return tuple(feature for column in self.columns for feature in column.features)

    def prepare(self, stored: Tensor) -> Tensor:
        """Return the batch as it is: encoded when it was read."""
        return stored

    def restore(self, prepared: Tensor) -> pl.DataFrame:
        """Return the columns in their own units; of a category the likeliest level, a truth value as 0 or 1."""
        encoded = prepared.detach().cpu().double().numpy()
        series: list[pl.Series] = []
        start = 0
        for column in self.columns:
            series.append(column.decode(encoded[:, start : start + len(column.features)]))
            start += len(column.features)
        return pl.DataFrame(series)

    def read(self, source: object) -> Samples:
        """Read a CSV, TSV, Parquet or Arrow file or a frame; columns are found by name, others are ignored.

        An array or a list of rows has no names: its columns are taken in the order of those learned from.

        Raises:
            DataError: a column is missing, or holds what it cannot hold.
        """
        if isinstance(source, Mapping):
            source = _as_frame(source)
        if isinstance(source, np.ndarray | Tensor | list | tuple):
            source = self._named(np.asarray(source, dtype=object))
        frame = frames.read(source, known=[column.name for column in self.columns])
        table, naming_notes = self._by_name(frame)
        used = table.select([column.name for column in self.columns])
        if not len(used):
            raise DataError("there are no rows with values to predict for", expected="a row for each sample")
        infinite.refuse(used)
        encoded, notes = encode(used, self.columns)
        targets, more_notes = self._targets(table)
        return Samples(torch.from_numpy(encoded), self._row_names(table), targets, (*naming_notes, *notes, *more_notes))

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        return {
            "columns": [column.to_json() for column in self.columns],
            "names": list(self.names),
            "has_header": self.has_header,
            "targets": list(self.targets),
            "answer": None if self.answer is None else target_to_json(self.answer),
            "identifier": self.identifier,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "TablePreprocessing":
        """Return what `to_json` described."""
        answer = None if document["answer"] is None else target_from_json(document["answer"])
        if not isinstance(answer, Answer | None):
            raise TypeError(f"{answer} is no column of a table")
        return cls(
            tuple(column_kinds.from_json(column) for column in document["columns"]),
            tuple(document["names"]),
            document["has_header"],
            tuple(document["targets"]),
            answer,
            document["identifier"],
        )

    def _named(self, rows_NC: NDArray[np.object_]) -> pl.DataFrame:
        """Return rows without names (one row may come alone) as a frame.

        Raises:
            DataError: they have another number of columns than those learned from.
        """
        rows_NC = np.atleast_2d(rows_NC)
        names = [column.name for column in self.columns]
        if rows_NC.ndim != 2 or rows_NC.shape[1] != len(names):
            raise DataError(
                "these rows have other columns than those learned from",
                expected=f"{len(names)}: {', '.join(names[:12])}",
                received=" x ".join(map(str, rows_NC.shape)),
                advice="a frame or a CSV file with column names may hold more",
            )
        return pl.DataFrame({name: rows_NC[:, place].tolist() for place, name in enumerate(names)}, strict=False)

    def _by_name(self, frame: frames.Frame) -> tuple[pl.DataFrame, tuple[str, ...]]:
        """Return the table with its columns called as in training, and notes on its reading.

        Raises:
            DataError: columns are missing.
        """
        table = frame.columns
        if not frame.has_header:
            without_targets = [name for name in self.names if name not in self.targets]
            for names in (self.names, without_targets):
                if table.width == len(names):
                    note = f"no header: the columns are taken in the order of training, {', '.join(names[:4])}, ..."
                    renamed = table.rename(dict(zip(table.columns, names, strict=True)))
                    return renamed, (note,) if self.has_header else ()
        missing = [column.name for column in self.columns if column.name not in table.columns]
        if missing:
            hints = [nearest(name, set(table.columns) - set(self.names)) for name in missing]
            raise DataError(
                f"{len(missing)} of the {len(self.columns)} columns learned from are missing",
                expected=frames.quoted(missing),
                received=f"{table.width} columns: {frames.listed(table.columns)}",
                advice=next((f"for '{name}', {hint}" for name, hint in zip(missing, hints, strict=True) if hint), ""),
            )
        return table, frame.notes

    def _targets(self, table: pl.DataFrame) -> tuple[Tensor | None, tuple[str, ...]]:
        """Return the stored targets where the table has them all, and notes."""
        if self.answer is None or not all(name in table.columns for name in self.targets):
            return None, ()
        if any(table[name].null_count() == len(table) for name in self.targets):
            return None, ()
        infinite.refuse(table.select(self.targets))
        return stored_as(table.select(self.targets), self.answer)

    def _row_names(self, table: pl.DataFrame) -> Sequence[str]:
        if self.identifier is not None and self.identifier in table.columns:
            return frames.as_words(table[self.identifier]).fill_null("?").to_list()
        return [f"row {number}" for number in range(1, len(table) + 1)]


def _as_frame(columns: Mapping[str, object]) -> pl.DataFrame:
    """Return one row of values by name, or several rows of lists, as a frame."""
    try:
        return pl.DataFrame(
            {name: value if isinstance(value, list) else [value] for name, value in columns.items()}, strict=False
        )
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        raise DataError(
            "these columns are no table", expected="a value, or as many values, for each", received=str(error)
        ) from None


def encode(table: pl.DataFrame, columns: Sequence[Column]) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Return the features of a typed table, float32 (N, F), and notes on values not seen in training."""
    encoded = np.empty((len(table), sum(len(column.features) for column in columns)), np.float32)
    notes: list[str] = []
    start = 0
    for column in columns:
        features, note = column.encode(table[column.name])
        encoded[:, start : start + features.shape[1]] = features
        start += features.shape[1]
        notes += [note] if note else []
    return encoded, tuple(notes)
