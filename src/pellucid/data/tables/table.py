"""Tables (CSV, Parquet, frames) with target columns become standardised, one-hot and binned features.

Shape letters: N rows, F features.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.data import distribution, fingerprint
from pellucid.data.answers import Answer, Answers, side_by_side
from pellucid.data.dataset import Classes, Dataset, Itself, Labels, Several, Source, SplitName, Values
from pellucid.data.split import duplicates_note, split_rows
from pellucid.data.tables import binning, frames, roles
from pellucid.data.tables.answers import read_answers
from pellucid.data.tables.columns import CategoryColumn, Column, DateColumn, NumberColumn
from pellucid.data.tables.files import Table, read_table
from pellucid.data.tables.preprocessing import TablePreprocessing, encode
from pellucid.errors import DataError
from pellucid.recipe import DataOptions
from pellucid.shapes import Features


def load_table(
    source: object, options: DataOptions, name: str | None = None, frame: frames.Frame | None = None
) -> Dataset:
    """Load a table with one target column or several.

    Args:
        source: a CSV, TSV, Parquet or Arrow file, or a polars, pandas or Arrow frame.
        options: target, task, test file, split, group, time, columns to ignore, how numbers are encoded.
        name: of the data set (default: the file's).
        frame: the source, if it was read already.

    Raises:
        DataError: no such target, nothing to tell apart, columns that cannot be learned from; each says what to do.
    """
    table = read_table(source, options, frame)
    if not table.targets:
        return _without_target(source, table, options, name)
    answers = read_answers(table.rows.select(table.targets), options)
    rows = _split(table, answers, options)
    training = table.rows[rows["train"].numpy()]
    assigned = roles.assign(training, [*table.targets, *_splitting(table, options)])
    stored_targets, target = answers.fit(rows["train"])
    binned = _are_binned(table, training, assigned.inputs, options)
    is_class = isinstance(target, Classes)
    bins = _Bins(side_by_side(stored_targets[rows["train"]], target), classes=is_class) if binned else None
    columns = _fit(training.select(assigned.inputs), bins)
    encoded, _ = encode(table.rows, columns)
    stored = torch.from_numpy(encoded)
    preprocessing = TablePreprocessing(
        columns, table.names, table.has_header, table.targets, target, assigned.identifier
    )
    return Dataset(
        name=name or table.name,
        source=_source(source, options, stored, stored_targets),
        inputs=stored,
        targets=stored_targets,
        rows=rows,
        input_shape=Features(stored.shape[1]),
        target=target,
        preprocessing=preprocessing,
        notes=(
            *table.notes,
            *answers.notes,
            *assigned.notes,
            *roles.missing_note(training, assigned.inputs),
            _encoding_note(columns),
            *_leakage_notes(training, assigned.inputs, table.targets, target),
            *answers.rare(rows),
            *duplicates_note(stored, rows, stored_targets),
            *distribution.note(stored, preprocessing.features, rows),
        ),
    )


def _without_target(source: object, table: Table, options: DataOptions, name: str | None) -> Dataset:
    """Return a table that is learned from its columns alone, each number as it is: bins would tell of a target."""
    assert options.task is not None, "the task says that there is no target"
    if options.numbers == "binned":
        raise DataError(
            "numbers are binned by what tells of the target, and there is none",
            expected="--numbers standard",
            received="--numbers binned",
            advice=f"leave --numbers out for {options.task}",
        )
    rows = _split(table, None, options)
    training = table.rows[rows["train"].numpy()]
    assigned = roles.assign(training, _splitting(table, options))
    columns = _fit(training.select(assigned.inputs), None)
    stored = torch.from_numpy(encode(table.rows, columns)[0])
    preprocessing = TablePreprocessing(columns, table.names, table.has_header, (), None, assigned.identifier)
    targets = torch.empty(len(stored), 0)
    return Dataset(
        name=name or table.name,
        source=_source(source, options, stored, targets),
        inputs=stored,
        targets=targets,
        rows=rows,
        input_shape=Features(stored.shape[1]),
        target=Itself(options.task),
        preprocessing=preprocessing,
        notes=(
            *table.notes,
            *assigned.notes,
            *roles.missing_note(training, assigned.inputs),
            _encoding_note(columns),
            *duplicates_note(stored, rows),
            *distribution.note(stored, preprocessing.features, rows),
        ),
    )


def _splitting(table: Table, options: DataOptions) -> list[str]:
    """Return the columns that split and are no inputs."""
    asked = {"group": options.group, "time": options.time}
    return [frames.find_column(column, table.rows.columns, o) for o, column in asked.items() if column]


def _leakage_notes(
    training: pl.DataFrame, inputs: Sequence[str], names: Sequence[str], target: Answer
) -> tuple[str, ...]:
    """Return a note for every input that gives a target away."""
    found: dict[str, None] = {}
    parts = tuple(target.parts.values()) if isinstance(target, Several) else (target,) * len(names)
    for name, part in zip(names, parts, strict=True):
        lists = isinstance(part, Labels) and name not in part.names
        if not lists:  # of which an input would have to tell every label
            found |= dict.fromkeys(roles.leakage_notes(training, inputs, name, classes=not isinstance(part, Values)))
    return tuple(found)


def _split(table: Table, answers: Answers | None, options: DataOptions) -> dict[SplitName, Tensor]:
    groups = times = None
    if options.group is not None:
        column = table.rows[frames.find_column(options.group, table.rows.columns, "group")]
        codes = frames.as_words(column).fill_null("").rank("dense").cast(pl.Int64)
        groups = torch.from_numpy(codes.to_numpy().copy())
    if options.time is not None:
        column = table.rows[frames.find_column(options.time, table.rows.columns, "time")]
        dates = frames.as_dates(column)
        moments = frames.as_numbers(column if dates is None else dates)
        if moments.null_count():
            raise DataError(
                f"column '{column.name}' cannot order the rows in time",
                expected="a date or a number in every row",
                received=f"{moments.null_count():,} rows without",
            )
        times = torch.from_numpy(moments.to_numpy().copy())
    strata = None if answers is None else answers.strata
    return split_rows(len(table.rows), options, labels=strata, groups=groups, times=times, test_rows=table.test_rows)


def _are_binned(table: Table, training: pl.DataFrame, inputs: Sequence[str], options: DataOptions) -> bool:
    if options.numbers is not None:
        return options.numbers == "binned"
    numbers = training.select(inputs).select(pl.col(pl.Float64, pl.Boolean)).width
    return binning.are_worth_it(len(table.rows), len(training), numbers)


@dataclass(frozen=True, slots=True)
class _Bins:
    """What numbers are binned by: the targets of the training rows, and whether they are classes."""

    answers: NDArray[np.generic]
    classes: bool


def _fit(training: pl.DataFrame, bins: _Bins | None) -> tuple[Column, ...]:
    """Fit every input column on the training rows."""
    columns: list[Column] = []
    for series in training:
        if series.dtype == pl.String:
            columns.append(CategoryColumn.fit(series))
        elif isinstance(series.dtype, pl.Datetime):
            columns.append(DateColumn.fit(series))
        else:
            edges = () if bins is None else _edges(series, bins.answers, classes=bins.classes)
            columns.append(NumberColumn.fit(series, edges))
    return tuple(columns)


def _edges(series: pl.Series, answers: NDArray[np.generic], *, classes: bool) -> tuple[float, ...]:
    numbers = frames.as_numbers(series)
    present = numbers.is_not_null().to_numpy()
    return binning.edges(numbers.drop_nulls().to_numpy(), answers[present], classes=classes)


def _encoding_note(columns: tuple[Column, ...]) -> str:
    counts = Counter(column.kind for column in columns)
    plural = {"number": "numbers", "category": "categories", "date": "dates"}
    kinds = ", ".join(f"{count} {kind if count == 1 else plural[kind]}" for kind, count in counts.items())
    verb = "becomes" if len(columns) == 1 else "become"
    width = sum(len(column.features) for column in columns)
    features = f"{width} feature" if width == 1 else f"{width} features"
    bins = sum(max(len(column.edges) - 1, 0) for column in columns if isinstance(column, NumberColumn))
    binned = f", {bins} of them bins of the numbers (--numbers standard for none)" if bins else ""
    return f"inputs: {kinds} {verb} {features}{binned}"


def _source(source: object, options: DataOptions, stored: Tensor, stored_targets: Tensor) -> Source:
    if not isinstance(source, str | Path):
        return Source("memory", "frame", fingerprint.of_tensors(stored, stored_targets))
    path = Path(source)
    digest = fingerprint.of_file(path)
    if options.test is not None:
        digest = hashlib.sha256((digest + fingerprint.of_file(Path(options.test))).encode()).hexdigest()
    return Source("table", str(path.resolve()), digest)
