"""A table and, if given, its test file are read, their target found, and rows without a target dropped."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import torch
from torch import Tensor

from pellucid.data.dataset import WITHOUT_TARGET, Classes
from pellucid.data.tables import frames, labels, roles
from pellucid.errors import DataError, nearest
from pellucid.recipe import DataOptions


@dataclass(frozen=True, slots=True)
class Table:
    """A table ready to be split.

    Attributes:
        name: of the source.
        rows: typed rows, those of the test file last; where there is a target, rows that have it.
        names: all columns of the source, in order.
        has_header: whether the source named them.
        target: the target column; None where it is learned from the inputs alone.
        test_rows: row numbers of the test file, or None.
        notes: what was found out.
    """

    name: str
    rows: pl.DataFrame
    names: tuple[str, ...]
    has_header: bool
    target: str | None
    test_rows: Tensor | None
    notes: tuple[str, ...]


def read_table(source: object, options: DataOptions, frame: frames.Frame | None = None) -> Table:
    """Read a table, its test file if `options.test` names one, and choose the target, if the task has one.

    Raises:
        DataError: it cannot be read, has no such target, no rows with a target, or the test file does not fit.
    """
    frame = frames.read(source, ignore=options.ignore) if frame is None else frame
    if options.task in WITHOUT_TARGET:
        target, columns, why = _left_out(frame.columns, options)
    else:
        target, why = roles.choose_target(frame.columns.columns, options.target)
        columns = frame.columns
    if not len(columns):
        raise DataError("the table has no rows with values", expected="a row for each sample", received="none")
    roles.refuse_infinite(columns)
    rows, notes = _with_target(columns, target, "")
    notes = (*frame.notes, why, *notes)
    test_rows = None
    if options.test is not None:
        test, more_notes = _read_test(Path(options.test), frame, rows, target)
        test_rows = torch.arange(len(rows), len(rows) + len(test))
        rows, typing_notes = _stacked(rows, test)
        notes += (*more_notes, *typing_notes)
    name = Path(source).name.split(".")[0] if isinstance(source, str | Path) else "table"
    return Table(name, rows, frame.names, frame.has_header, target, test_rows, notes)


def _left_out(columns: pl.DataFrame, options: DataOptions) -> tuple[None, pl.DataFrame, str]:
    """Return no target, the columns to learn from, and a note on the one that is kept out of them."""
    if options.target is None:
        return None, columns, f"no target: every column is an input of {options.task} (--target leaves one out)"
    name = frames.find_column(options.target, columns.columns, "target")
    return None, columns.drop(name), f"no target: '{name}' is left out, as asked"


def _with_target(rows: pl.DataFrame, target: str | None, where: str) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the rows that have a target, and a note on how many have none; all rows where none is asked of them."""
    if target is None:
        return rows, ()
    absent = rows[target].null_count()
    if absent == len(rows):
        raise DataError(
            f"the target '{target}' is missing in every row{where}",
            expected="a value to predict",
            received=f"{absent:,} empty fields",
            advice="choose another --target",
        )
    if not absent:
        return rows, ()
    left_out = f"1 row{where} without one is" if absent == 1 else f"{absent:,} rows{where} without one are"
    return rows.filter(pl.col(target).is_not_null()), (f"target: {left_out} left out",)


def _read_test(
    path: Path, training: frames.Frame, rows: pl.DataFrame, target: str | None
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Read the test file with the columns of the training file."""
    frame = frames.read(path, known=rows.columns)
    test = frame.columns
    if not len(test):
        raise DataError(f"the test file {path.name} has no rows with values", expected="rows", received="none")
    if not frame.has_header and test.width == len(training.names):
        test = test.rename(dict(zip(test.columns, training.names, strict=True)))
    missing = [name for name in rows.columns if name not in test.columns]
    if missing:
        raise DataError(
            f"the test file {path.name} lacks columns of the training file",
            expected=", ".join(f"'{name}'" for name in missing),
            received=frames.listed(test.columns),
            advice=nearest(missing[0], set(test.columns) - set(rows.columns)),
        )
    test = test.select(rows.columns)
    roles.refuse_infinite(test, f" in the test file {path.name}")
    test, notes = _with_target(test, target, f" of {path.name}")
    if target is not None and rows[target].dtype == pl.String:
        known = Classes(tuple(rows[target].unique().sort().to_list()))
        words, respelled = labels.respelled(test[target], known)
        unknown = sorted(set(words.unique().to_list()) - set(known.names))
        if unknown:
            raise DataError(
                f"the test file {path.name} has labels that the training file has not",
                expected=", ".join(sorted(known.names)[:12]),
                received=", ".join(unknown[:12]),
                advice="spell the labels alike in both files, or leave those rows out",
            )
        test = test.with_columns(words.alias(target))
        notes += respelled
    return test, (*notes, f"test: {len(test):,} rows of {path.name}")


def _stacked(rows: pl.DataFrame, test: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return training and test rows as one table, and notes; a column of two types becomes one of words.

    Raises:
        DataError: a column of numbers has none in the test rows.
    """
    notes: list[str] = []
    for name in rows.columns:
        first, second = rows[name], test[name]
        if first.dtype == second.dtype:
            continue
        if second.null_count() == len(second):
            test = test.with_columns(second.cast(first.dtype))
        elif first.null_count() == len(first):
            rows = rows.with_columns(first.cast(second.dtype))
        elif first.dtype == pl.Float64 and second.dtype == pl.String:
            # training decides: what is a number there is one here, and what cannot be read is missing
            numbers, note = frames.as_known_numbers(second)
            test = test.with_columns(numbers)
            notes += [f"test: {note}"] if note else []
        else:
            rows, test = rows.with_columns(frames.as_words(first)), test.with_columns(frames.as_words(second))
    return pl.concat([rows, test]), tuple(notes)
