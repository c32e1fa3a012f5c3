"""A table and, if given, its test file are read, their targets found, and rows without a target dropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import torch
from torch import Tensor

from pellucid.data.dataset import WITHOUT_TARGET, Classes
from pellucid.data.tables import frames, infinite, labels, roles
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
        targets: the target columns; none where it is learned from the inputs alone.
        test_rows: row numbers of the test file, or None.
        notes: what was found out.
    """

    name: str
    rows: pl.DataFrame
    names: tuple[str, ...]
    has_header: bool
    targets: tuple[str, ...]
    test_rows: Tensor | None
    notes: tuple[str, ...]


def read_table(source: object, options: DataOptions, frame: frames.Frame | None = None) -> Table:
    """Read a table, its test file if `options.test` names one, and choose the target, if the task has one.

    Raises:
        DataError: it cannot be read, has no such target, no rows with a target, or the test file does not fit.
    """
    frame = frames.read(source, ignore=options.ignore) if frame is None else frame
    targets: tuple[str, ...] = ()
    if options.task in WITHOUT_TARGET:
        columns, why = _left_out(frame.columns, options)
    else:
        targets, why = roles.choose_targets(frame.columns.columns, options.target)
        columns = frame.columns
    if options.task == "multilabel" and len(targets) == 1:  # an empty list of labels is no missing one
        columns = columns.with_columns(frames.as_words(columns[targets[0]]).fill_null(""))
    if not len(columns):
        raise DataError("the table has no rows with values", expected="a row for each sample", received="none")
    infinite.refuse(columns)
    rows, notes = _with_targets(columns, targets, "")
    notes = (*frame.notes, why, *notes)
    test_rows = None
    if options.test is not None:
        test, more_notes = _read_test(Path(options.test), frame, rows, targets)
        test_rows = torch.arange(len(rows), len(rows) + len(test))
        rows, typing_notes = _stacked(rows, test)
        notes += (*more_notes, *typing_notes)
    name = Path(source).name.split(".")[0] if isinstance(source, str | Path) else "table"
    return Table(name, rows, frame.names, frame.has_header, targets, test_rows, notes)


def _left_out(columns: pl.DataFrame, options: DataOptions) -> tuple[pl.DataFrame, str]:
    """Return the columns to learn from, and a note on those that are kept out of them."""
    if options.target is None:
        return columns, f"no target: every column is an input of {options.task} (--target leaves one out)"
    names = frames.find_columns(options.target, columns.columns, "target")
    return columns.drop(
        names
    ), f"no target: {frames.quoted(names)} {'is' if len(names) == 1 else 'are'} left out, as asked"


def _with_targets(rows: pl.DataFrame, targets: Sequence[str], where: str) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the rows that have all targets, and a note on how many lack one; all rows where there are no targets."""
    for target in targets:
        if rows[target].null_count() == len(rows):
            raise DataError(
                f"the target '{target}' is missing in every row{where}",
                expected="a value to predict",
                received=f"{len(rows):,} empty fields",
                advice="choose another --target",
            )
    complete = rows.drop_nulls(targets) if targets else rows
    absent = len(rows) - len(complete)
    if not absent:
        return rows, ()
    left_out = f"1 row{where} without one is" if absent == 1 else f"{absent:,} rows{where} without one are"
    return complete, (f"target: {left_out} left out",)


def _read_test(
    path: Path, training: frames.Frame, rows: pl.DataFrame, targets: Sequence[str]
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
    infinite.refuse(test, f" in the test file {path.name}")
    test, notes = _with_targets(test, targets, f" of {path.name}")
    for target in targets:
        if rows[target].dtype == pl.String:
            words, respelled = _respelled(test[target], rows[target], path.name)
            test = test.with_columns(words.alias(target))
            notes += respelled
    return test, (*notes, f"test: {len(test):,} rows of {path.name}")


def _respelled(words: pl.Series, training: pl.Series, file: str) -> tuple[pl.Series, tuple[str, ...]]:
    """Return a test file's classes spelled as the training file's, and a note where they were not.

    Raises:
        DataError: there are classes that the training file has not.
    """
    known = Classes(tuple(training.unique().sort().to_list()))
    respelled, notes = labels.respelled(words, known)
    unknown = sorted(set(respelled.unique().to_list()) - set(known.names))
    if unknown:
        raise DataError(
            f"the test file {file} has labels that the training file has not",
            expected=", ".join(sorted(known.names)[:12]),
            received=", ".join(unknown[:12]),
            advice="spell the labels alike in both files, or leave those rows out",
        )
    return respelled, notes


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
