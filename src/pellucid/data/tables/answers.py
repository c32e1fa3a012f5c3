"""What the target columns of a table mean: classes, a quantity, labels of which any may apply, or several of these.

Shape letters: N rows, K target quantities or labels.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.data import targets
from pellucid.data.answers import Answer, Answers, labels_of, several
from pellucid.data.dataset import Classes, Labels, Several, Values
from pellucid.data.tables import frames, labels
from pellucid.errors import DataError
from pellucid.recipe import DataOptions, TaskName

_TASKS: tuple[TaskName, ...] = ("classification", "regression", "multilabel", "multitask")
_SEPARATORS = "[;|,]"
_YES_OR_NO = {"yes": 1.0, "no": 0.0}


def read_answers(table: pl.DataFrame, options: DataOptions) -> Answers:
    """Return what the target columns of a table hold.

    One column is classes or a quantity, or with the task `multilabel` a list of labels in every row (`rain;wind`).
    Several columns that all say yes or no are labels; several quantities are predicted together; anything else is
    several tasks.

    Raises:
        DataError: a column that cannot be learned, or not with the task asked for.
    """
    if options.task not in (None, *_TASKS):
        raise DataError(
            f"a table's target cannot be learned with --task {options.task}",
            expected=", ".join(_TASKS),
            advice="leave --task out",
        )
    if table.width == 1:
        if options.task == "multitask":
            raise DataError(
                "one target is no several tasks", expected="several columns: --target first,second",
                received=table.columns[0],
            )  # fmt: skip
        return _lists(table.to_series()) if options.task == "multilabel" else _of_column(table.to_series(), options)
    if options.task == "multilabel" or (options.task is None and all(map(_says_yes_or_no, table))):
        return _labels(table)
    plain = DataOptions(task=options.task if options.task in {"classification", "regression"} else None)
    if not any(_are_classes(series, plain) for series in table):
        return _quantities(table)
    return several({series.name: _of_column(series, plain) for series in table})


def stored_as(table: pl.DataFrame, answer: Answer) -> tuple[Tensor | None, tuple[str, ...]]:
    """Return the target columns of new rows as a fitted answer stores them, None where a row lacks one, and notes."""
    match answer:
        case Several(parts):
            found = [stored_as(series.to_frame(), part) for series, part in zip(table, parts.values(), strict=True)]
            notes = tuple(
                f"{note} ('{name}')" for name, (_, more) in zip(table.columns, found, strict=True) for note in more
            )
            columns = [stored.reshape(len(stored), -1).float() for stored, _ in found if stored is not None]
            return (torch.cat(columns, 1) if len(columns) == len(parts) else None), notes
        case Labels(names):
            if table.width == 1 and tuple(table.columns) != names:
                return _held(table.to_series(), names), ()
            numbers = _numbers(table)
        case Values(_, mean, scale):
            numbers = _numbers(table)
            numbers = None if numbers is None else (numbers - np.array(mean)) / np.array(scale)
        case Classes():
            words, notes = labels.respelled(table.to_series(), answer)
            codes = labels.indices(words, answer)
            unknown = int((codes < 0).sum())
            if not unknown:
                return codes, notes
            return None, (*notes, f"target: {unknown:,} labels are missing or were not in training: nothing is scored")
    if numbers is not None:
        return torch.from_numpy(numbers.astype(np.float32)), ()
    missing = sum(_as_numbers(series).null_count() for series in table)
    return None, (f"target: {missing:,} values are missing, so nothing is scored",)


def _of_column(series: pl.Series, options: DataOptions) -> Answers:
    if not _are_classes(series, options):
        return _quantities(series.to_frame())
    classes = labels.classes_of(series)
    hint = "" if options.task or series.dtype != pl.Float64 else " (--task regression if it is a quantity)"
    note = f"task: tell {len(classes.names)} classes apart{hint}"
    return Answers(labels.indices(series, classes), (series.name,), classes, (note,))


def _are_classes(series: pl.Series, options: DataOptions) -> bool:
    if isinstance(series.dtype, pl.Datetime):
        raise DataError(
            f"the target '{series.name}' is a date",
            expected="classes or a quantity",
            received=str(series[0]),
            advice="choose another --target",
        )
    if series.dtype == pl.Float64:
        return targets.kind_of_numbers(series.unique().sort().to_numpy(), options) == "classification"
    if options.task == "regression" and series.dtype == pl.String:
        raise DataError(
            f"the target '{series.name}' holds words, not quantities",
            expected="numbers",
            received=frames.listed(series.unique().sort().head(5).to_list()),
            advice="leave --task out, or choose another --target",
        )
    return options.task != "regression"


def _quantities(table: pl.DataFrame) -> Answers:
    values = np.stack([frames.as_numbers(series).to_numpy() for series in table], 1)
    names = tuple(table.columns)
    one = f"a quantity, {values.min():g} to {values.max():g}"
    note = f"task: predict {one if len(names) == 1 else f'{len(names)} quantities together'}"
    return Answers(torch.from_numpy(values), names, None, (note,))


def _says_yes_or_no(series: pl.Series) -> bool:
    if series.dtype == pl.String:
        return bool(series.str.to_lowercase().is_in(list(_YES_OR_NO)).all())
    return series.dtype == pl.Boolean or (series.dtype == pl.Float64 and bool(series.is_in([0.0, 1.0]).all()))


def _labels(table: pl.DataFrame) -> Answers:
    """Return columns of yes and no as labels.

    Raises:
        DataError: a column holds something else, or the same in every row.
    """
    for series in table:
        if not _says_yes_or_no(series):
            raise DataError(
                f"column '{series.name}' does not say yes or no, as a label does",
                expected="0 and 1, or true and false",
                received=frames.listed(frames.as_words(series.unique().sort().head(5)).to_list()),
                advice="--task multitask learns columns of different kinds",
            )
        targets.refuse_single_class(tuple(frames.as_words(series.unique()).to_list()), f"the label '{series.name}'")
    held = _numbers(table)
    assert held is not None, "rows without a target are left out"
    return labels_of(torch.from_numpy(held.astype(np.float32)), tuple(table.columns))


def _lists(series: pl.Series) -> Answers:
    """Return a column of lists of labels, such as `rain;wind`; separated by semicolons, bars or commas.

    Raises:
        DataError: fewer than two labels, or nearly as many as rows.
    """
    found = {label for words in _split(series) for label in words}
    names = tuple(sorted(found))
    column = f"the target '{series.name}'"
    targets.refuse_single_class(names, column)
    targets.refuse_too_many_classes(column, len(names), len(series), numbers=False)
    return labels_of(_held(series, names), names)


def _held(series: pl.Series, names: Sequence[str]) -> Tensor:
    """Return which labels each list holds, float32 (N, K); labels that are not known are passed over."""
    places = {name: place for place, name in enumerate(names)}
    stored = torch.zeros(len(series), len(names))
    for row, words in enumerate(_split(series)):
        for word in words & places.keys():
            stored[row, places[word]] = 1.0
    return stored


def _split(series: pl.Series) -> list[set[str]]:
    lists = frames.as_words(series).fill_null("").str.replace_all(_SEPARATORS, "\n").str.split("\n").to_list()
    return [{word.strip() for word in words} - {""} for words in lists]


def _numbers(table: pl.DataFrame) -> NDArray[np.float64] | None:
    """Return columns as numbers, (N, K), truth and `yes` as 1; None where one is missing."""
    columns = [_as_numbers(series) for series in table]
    if any(column.null_count() for column in columns):
        return None
    return np.stack([column.to_numpy().astype(np.float64) for column in columns], 1)


def _as_numbers(series: pl.Series) -> pl.Series:
    numbers = frames.as_numbers(series)
    if series.dtype != pl.String or numbers.null_count() < len(series):
        return numbers
    return series.str.to_lowercase().replace_strict(_YES_OR_NO, default=None, return_dtype=pl.Float64)
