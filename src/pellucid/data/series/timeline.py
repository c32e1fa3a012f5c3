"""The order of a series' steps: which column tells the time, whether steps are even, and the steps in order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pellucid.data.tables import frames
from pellucid.errors import DataError
from pellucid.recipe import DataOptions

# year, month, day, hour ... in columns of their own, as weather stations write them
_PARTS = ("year", "month", "day", "hour", "minute", "second")
_LEAST_STEPS = 20
_LEAST_FOR_SEASON = 8  # a lag of 3, twice, and neighbours to be higher than


@dataclass(frozen=True, slots=True)
class Timeline:
    """What tells the time of a series.

    Attributes:
        columns: the columns that do: one, or year, month, day, ... together; empty where rows are simply in order.
        dated: whether they make dates, rather than counting.
    """

    columns: tuple[str, ...]
    dated: bool

    def moments(self, table: pl.DataFrame) -> pl.Series:
        """Return the time of each row: Datetime or Float64.

        Raises:
            DataError: a row without a time.
        """
        if not self.columns:
            return pl.Series("step", range(1, len(table) + 1), dtype=pl.Float64)
        moments = self._read(table)
        if moments is None or moments.null_count():
            raise DataError(
                f"the time in {' and '.join(map(repr, self.columns))} cannot be read in every row",
                expected="a date or a number in every row",
                received="no dates or numbers"
                if moments is None
                else f"{moments.null_count():,} of {len(table):,} rows without",
                advice="leave those rows out, or name the column of the time with --time",
            )
        return moments

    def _read(self, table: pl.DataFrame) -> pl.Series | None:
        if len(self.columns) > 1:
            return _composed(table, self.columns)
        series = table[self.columns[0]]
        return frames.as_dates(series) if self.dated else frames.as_numbers(series)


def find(table: pl.DataFrame, options: DataOptions) -> Timeline:
    """Return what tells the time: `--time`, the first column of dates, year/month/... columns, a year, or the order."""
    if options.time is not None:
        name = frames.find_column(options.time, table.columns, "time")
        return Timeline((name,), frames.as_dates(table[name]) is not None)
    for series in table:
        if isinstance(series.dtype, pl.Datetime) or (
            "date" in series.name.lower() and frames.as_dates(series) is not None
        ):
            return Timeline((series.name,), dated=True)
    by_part = {name.lower(): name for name in table.columns}
    composed = tuple(by_part[part] for part in _PARTS if part in by_part)
    if len(composed) > 1 and composed[0].lower() == "year" and _composed(table, composed) is not None:
        return Timeline(composed, dated=True)
    if "year" in by_part and table[by_part["year"]].dtype == pl.Float64:
        return Timeline((by_part["year"],), dated=False)
    return Timeline((), dated=False)


def is_plain_series(table: pl.DataFrame, options: DataOptions) -> bool:
    """Return whether a table is nothing but one number observed at (but for one in a hundred) even times."""
    if table.width != 2 or len(table) < _LEAST_STEPS or options.task is not None:
        return False
    timeline = find(table, options)
    if len(timeline.columns) != 1:
        return False
    (value,) = (name for name in table.columns if name not in timeline.columns)
    moments = timeline._read(table)  # noqa: SLF001 (the same file)
    return (
        table[value].dtype == pl.Float64
        and options.target in (None, value)
        and moments is not None
        and not moments.null_count()
        and bool(moments.is_sorted())
        and gaps(moments) <= len(moments) // 100
    )


def in_order(table: pl.DataFrame, timeline: Timeline) -> tuple[pl.DataFrame, pl.Series, tuple[str, ...]]:
    """Return the rows in order of time, their times, and notes.

    Raises:
        DataError: two rows of one time (several series in one file).
    """
    moments = timeline.moments(table)
    notes: list[str] = []
    if not moments.is_sorted():
        order = moments.arg_sort()
        table, moments = table[order], moments[order]
        notes.append("steps: sorted by time")
    repeated = len(moments) - moments.n_unique()
    if repeated:
        raise DataError(
            f"{repeated:,} rows have the time of another row",
            expected="one row a step",
            received=f"{moments.filter(moments.is_duplicated())[0]} more than once",
            advice="keep one series a file, or give each its own column",
        )
    uneven = gaps(moments)
    if uneven:
        notes.append(f"steps: {uneven:,} of {len(moments) - 1:,} are longer or shorter than usual; rows count as steps")
    return table, moments, tuple(notes)


def gaps(moments: pl.Series) -> int:
    """Return how many steps differ from the usual one by more than a tenth (months and years differ in days)."""
    numbers = moments.dt.epoch("s") if isinstance(moments.dtype, pl.Datetime) else moments
    steps = np.diff(numbers.cast(pl.Float64).to_numpy())
    if not len(steps):
        return 0
    usual = float(np.median(steps))
    return int((np.abs(steps - usual) > 0.1 * abs(usual)).sum())


def names(moments: pl.Series) -> list[str]:
    """Return times as words: dates without the time of day where all are at midnight."""
    if not isinstance(moments.dtype, pl.Datetime):
        return frames.as_words(moments).to_list()
    midnight = bool((moments.dt.truncate("1d") == moments).all())
    return moments.dt.strftime("%Y-%m-%d" if midnight else "%Y-%m-%d %H:%M:%S").to_list()


def season(values: NDArray[np.float64], most: int) -> int | None:
    """Return the lag at which a series repeats itself, or None.

    The first lag from 3 to `most` whose autocorrelation, of the first differences (so that a trend does not count),
    is a local maximum, above 0.3 and three standard errors (1/√T) of noise, and within 0.9 of the highest.
    """
    if len(values) < _LEAST_FOR_SEASON:
        return None
    changes = np.diff(values)
    changes = changes - changes.mean()
    power = float(changes @ changes)
    lags = range(1, min(most + 1, len(changes) // 2))
    if power <= 0 or len(lags) < 4:
        return None
    correlations = np.array([changes[lag:] @ changes[:-lag] / power for lag in lags])
    inner = correlations[2:]
    peaks = (
        (inner >= correlations[1:-1])
        & (inner >= np.append(correlations[3:], -1))
        & (inner > max(0.3, 3 / len(changes) ** 0.5))
    )
    high = np.flatnonzero(peaks & (inner >= 0.9 * inner.max()))
    return int(high[0]) + 3 if len(high) else None


def _composed(table: pl.DataFrame, parts: Sequence[str]) -> pl.Series | None:
    if any(table[name].dtype != pl.Float64 for name in parts):
        return None
    whole = [pl.col(name).cast(pl.Int64, strict=False) for name in parts]
    while len(whole) < 3:
        whole.append(pl.lit(1, dtype=pl.Int64))
    try:
        return table.select(pl.datetime(*whole).alias("time")).to_series()
    except pl.exceptions.PolarsError:
        return None
