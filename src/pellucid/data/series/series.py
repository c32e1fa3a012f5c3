"""Time series: windows of past steps as inputs, the steps that follow as targets, split by time.

Training windows end, targets included, before the first held-out target: nothing held out is ever seen in training.
A held-out window may look back into the training steps, as every forecast looks back into the known past.

Shape letters: T steps, W window, H horizon, F features, N windows, Q forecast columns, K = Q H targets.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import torch
from torch import Tensor

from pellucid.data import fingerprint
from pellucid.data.dataset import Dataset, Source, SplitName, Values
from pellucid.data.series import timeline
from pellucid.data.series.preprocessing import SeriesPreprocessing, filled
from pellucid.data.split import SPLITS, ratios
from pellucid.data.tables import frames, infinite, roles
from pellucid.data.tables.columns import CategoryColumn, Column, NumberColumn
from pellucid.data.tables.preprocessing import encode
from pellucid.errors import DataError
from pellucid.recipe import DataOptions
from pellucid.shapes import Sequence

# A longer window than this is only taken when asked for: back-propagation through it is slow and forgets.
_LONGEST_WINDOW = 64
_USUAL_WINDOW = 24


@dataclass(frozen=True, slots=True)
class _Steps:
    """A series in order: typed steps with gaps filled, which target values were really observed, what was noticed."""

    table: pl.DataFrame
    observed: pl.Series
    time: timeline.Timeline
    target: str
    notes: tuple[str, ...]


def load_series(
    source: object, options: DataOptions, name: str | None = None, frame: frames.Frame | None = None
) -> Dataset:
    """Load a series: a table whose rows are steps in time, with a column to forecast.

    Args:
        source: a CSV, Parquet or Arrow file, or a frame.
        options: target (default: the only number, or by name, or the last), time, window, horizon, split, ignore.
            The default window is the season found by autocorrelation (3 to 64 steps), else 24 steps, and never
            more than a tenth of the series.
        name: of the data set (default: the file's).
        frame: the source, if it was read already.

    Raises:
        DataError: no number to forecast, two rows of one time, or too few steps.
    """
    frame = frames.read(source, ignore=options.ignore) if frame is None else frame
    steps = _in_order(frame, options)
    window, window_note = _window(steps, options)
    count = len(steps.table) - window - options.horizon + 1
    rows = _split(count, options)
    training = steps.table[: int(rows["train"][-1]) + window + options.horizon]
    columns, column_notes = _fit(training, steps.target)
    encoded, _ = encode(steps.table, columns)
    series_TF = torch.from_numpy(encoded)
    windows_NFW = series_TF.unfold(0, window, 1)[:count]
    targets_NK, values = _targets(series_TF[:, 0], columns[0], window, options.horizon)
    complete_N = _complete(steps.observed, window, options.horizon)
    rows = {split: numbers[complete_N[numbers]] for split, numbers in rows.items()}
    left_out = count - int(complete_N.sum())
    notes = (
        *frame.notes,
        *steps.notes,
        window_note,
        *column_notes,
        *((f"windows: {left_out:,} whose target is missing are left out",) if left_out else ()),
        *_persistence(windows_NFW, targets_NK, rows, values),
        f"split: by time, {len(training):,} training steps first; held-out windows look back, training never ahead",
    )
    return Dataset(
        name=name or (Path(source).name.split(".")[0] if isinstance(source, str | Path) else "series"),
        source=_source(source, series_TF),
        inputs=windows_NFW,
        targets=targets_NK,
        rows=rows,
        input_shape=Sequence(series_TF.shape[1], window),
        target=values,
        preprocessing=SeriesPreprocessing(columns, steps.time, (steps.target,), window, options.horizon),
        notes=notes,
    )


def _in_order(frame: frames.Frame, options: DataOptions) -> _Steps:
    """Return the steps in order of time, the target chosen, gaps filled forward."""
    for option, value in (("test", options.test), ("group", options.group)):
        if value is not None:
            raise DataError(
                f"a series is split by time, --{option} does not apply",
                expected="--split, such as 60:20:20, of the steps in order",
                received=f"--{option} {value}",
            )
    infinite.refuse(frame.columns)
    time = timeline.find(frame.columns, options)
    table, _, notes = timeline.in_order(frame.columns, time)
    told = f"time: {' and '.join(map(repr, time.columns))}" if time.columns else "time: the order of the rows"
    candidates = [series.name for series in table if series.name not in time.columns]
    numbers = [name for name in candidates if table[name].dtype == pl.Float64]
    if options.target is not None:
        target, why = frames.find_column(options.target, table.columns, "target"), "as asked"
    elif len(numbers) == 1:
        target, why = numbers[0], "the only number"
    else:
        target = roles.choose_targets(candidates, None)[0][0] if len(candidates) > 1 else ""
        why = "by its name or place (--target to change)"
    if not numbers:
        raise DataError(
            "there is nothing to forecast: no column besides the time holds numbers",
            expected="a column of numbers",
            received=frames.listed(candidates) or "no other column",
        )
    if target not in numbers:
        raise DataError(
            f"a forecast needs a column of numbers to forecast, '{target}' is none",
            expected=f"one of {frames.listed(numbers)}",
            received=target,
            advice="name it with --target",
        )
    if table[target].null_count() == len(table):
        raise DataError(
            f"there is nothing to forecast: '{target}' is missing in every row",
            expected="values to forecast",
            received=f"{len(table):,} empty fields",
            advice="choose another --target",
        )
    table = table.select([target, *(name for name in candidates if name != target)])
    first = int(table[target].is_not_null().arg_max() or 0)
    if first:
        table = table[first:]
        notes += (f"missing: the first {first:,} steps, which have no '{target}', are left out",)
    steps, more_notes = filled(table)
    return _Steps(
        steps, table[target].is_not_null(), time, target, (told, f"target: '{target}', {why}", *notes, *more_notes)
    )


def _window(steps: _Steps, options: DataOptions) -> tuple[int, str]:
    """Return how many past steps the network sees, and why."""
    count = len(steps.table)
    if options.window is not None:
        window, why = options.window, "as asked"
    else:
        # only the first 60 % are looked at: the season too is learned from training alone
        past = steps.table[steps.target].to_numpy()[: max(count * 6 // 10, 1)]
        longest = min(_LONGEST_WINDOW, count // 10)
        found = timeline.season(past, longest)
        window = found or max(min(_USUAL_WINDOW, longest), 1)
        why = "the season found by autocorrelation" if found else "no season found"
        why += " (--window to change)"
    least = window + options.horizon + 2 * max(options.horizon, 1) + 2
    if count < least:
        raise DataError(
            "the series is too short for its window",
            expected=f"at least {least} steps for a window of {window} and a horizon of {options.horizon}",
            received=f"{count} steps",
            advice="choose a shorter --window or --horizon",
        )
    return window, f"window: {window} past steps, {why}; forecasts {options.horizon} ahead"


def _split(count: int, options: DataOptions) -> dict[SplitName, Tensor]:
    """Return the windows of each split, in order of time, and none whose targets reach into the split before."""
    train, validation, test = ratios(options.split, count)
    overlap = options.horizon - 1
    first = max(round(count * train), 1)
    second = round(count * (train + validation)) if test else count
    bounds = ((0, first), (first + overlap, second), (second + overlap, count))
    rows = {name: torch.arange(min(start, end), end) for name, (start, end) in zip(SPLITS, bounds, strict=True)}
    empty = [
        name for name, share in zip(SPLITS, (train, validation, test), strict=True) if share and not len(rows[name])
    ]
    if empty:
        raise DataError(
            f"the series is too short: no window is left for {' and '.join(empty)}",
            expected="windows for each split",
            received=f"{count} windows",
            advice="choose a shorter --window or --horizon, or another --split",
        )
    return rows


def _fit(training: pl.DataFrame, target: str) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """Fit the target's column and the other inputs on the training steps; return notes on those left out."""
    if training[target].n_unique() == 1:
        raise DataError(
            f"there is nothing to forecast: '{target}' is the same in all training steps",
            expected="a column that varies",
            received=f"always {training[target][0]}",
        )
    columns: list[Column] = [NumberColumn.fit(training[target], ())]
    if training.width == 1:
        return tuple(columns), ()
    assigned = roles.assign(training, [target], none_is_fine=True)
    for name in assigned.inputs:
        series = training[name]
        if series.dtype == pl.String:
            columns.append(CategoryColumn.fit(series))
        elif series.dtype in (pl.Float64, pl.Boolean):
            columns.append(NumberColumn.fit(series, ()))
    inputs = ", ".join(f"'{column.name}'" for column in columns)
    return tuple(columns), (*assigned.notes, f"inputs: the past of {inputs}")


def _targets(series_T: Tensor, column: Column, window: int, horizon: int) -> tuple[Tensor, Values]:
    """Return the standardised values that follow each window, (N, H), and their meaning."""
    assert isinstance(column, NumberColumn)
    following_NH = series_T.unfold(0, horizon, 1)[window:].contiguous()
    names = (column.name,) if horizon == 1 else tuple(f"{column.name} +{step}" for step in range(1, horizon + 1))
    return following_NH, Values(names, (column.mean,) * horizon, (column.scale,) * horizon)


def _complete(observed: pl.Series, window: int, horizon: int) -> Tensor:
    """Return for each window whether all its targets were observed, not filled in: bool (N,)."""
    return torch.from_numpy(observed.to_numpy().copy()).unfold(0, horizon, 1)[window:].all(1)


def _persistence(
    windows_NFW: Tensor, targets_NK: Tensor, rows: Mapping[SplitName, Tensor], values: Values
) -> tuple[str, ...]:
    """Return the error of repeating each window's last value: a forecast that does no better has learned nothing."""
    split: SplitName = "test" if len(rows["test"]) else "validation"
    errors_NK = windows_NFW[rows[split], 0, -1:] - targets_NK[rows[split]]
    if not len(errors_NK):
        return ()
    rmse = float(errors_NK.double().square().mean().sqrt()) * values.scale[0]
    return (f"to beat: repeating the last value has an rmse of {rmse:.4g} on the {split} rows",)


def _source(source: object, series_TF: Tensor) -> Source:
    if isinstance(source, str | Path):
        return Source("series", str(Path(source).resolve()), fingerprint.of_file(Path(source)))
    return Source("memory", "frame", fingerprint.of_tensors(series_TF))
