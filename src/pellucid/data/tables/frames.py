"""Any table (file, polars, pandas or Arrow frame) becomes a polars frame of four kinds of columns.

Numbers are Float64, truth values Boolean, dates Datetime, words String; what is missing is null in all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pellucid.data.paths import require_file
from pellucid.data.tables import delimited, infinite
from pellucid.errors import DataError, nearest

FILE_ENDINGS = (*delimited.ENDINGS, ".parquet", ".pq", ".feather", ".arrow")

_TRUTH = {"true": True, "false": False}

_DATE_FORMATS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y-%m", "%Y/%m", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%d-%b-%Y"),
    *("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y/%m/%d %H:%M:%S"),
    *("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%#z", "%Y-%m-%d %H:%M:%S%#z"),
    *("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M"),
    *("%Y-W%W-%w", "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y"),
)

# a float holds whole numbers of so many digits exactly; longer ones are keys, not quantities
_EXACT_DIGITS = 15

_MOST_NAMES = 12
_LONGEST_NAME = 40

# a column of numbers in which one value in twenty is spoilt is still a column of numbers
_LEAST_READABLE = 0.95


@dataclass(frozen=True, slots=True)
class Frame:
    """A typed frame.

    Attributes:
        columns: the data; Float64, Boolean, Datetime or String.
        names: all columns of the source in order, those left unread too.
        has_header: whether the source named its columns.
        notes: what was found out while reading.
    """

    columns: pl.DataFrame
    names: tuple[str, ...]
    has_header: bool = True
    notes: tuple[str, ...] = ()


def is_frame(source: object) -> bool:
    """Return whether an object is a table in memory; a single column, which has a dtype, is none."""
    if isinstance(source, pl.DataFrame | pl.LazyFrame) or _is_pandas(source):
        return True
    return hasattr(source, "__arrow_c_stream__") and not hasattr(source, "dtype")


def is_table_file(path: Path) -> bool:
    """Return whether a file's name ends as a table's does."""
    return delimited.is_delimited(path) or path.suffix.lower() in FILE_ENDINGS


def read(source: object, known: Sequence[str] = (), ignore: Sequence[str] = ()) -> Frame:
    """Read a table.

    Args:
        source: a path, or a polars, pandas or Arrow frame.
        known: column names to expect, for files whose header looks like data.
        ignore: columns to leave unread.

    Raises:
        DataError: the source cannot be read as a table, or has columns of lists or objects.
    """
    if isinstance(source, str | Path):
        path = Path(source)
        if path.suffix.lower() in (".parquet", ".pq", ".feather", ".arrow"):
            raw, has_header, notes = _read_binary(path), True, tuple[str, ...]()
        else:
            table = delimited.read(path, known)
            raw, has_header, notes = table.strings, table.has_header, table.notes
    else:
        raw, has_header, notes = _in_memory(source), True, ()
    names = tuple(raw.columns)
    raw = raw.drop([find_column(name, names, "ignore") for name in ignore])
    typed, more_notes = typed_columns(raw)
    return Frame(typed, names, has_header, (*notes, *more_notes))


def with_target(source: object, targets: Any) -> tuple[pl.DataFrame, str]:
    """Return a frame with one more column, the targets, and its name: the targets' own, or `target`.

    Raises:
        DataError: they are no single column, differ in number from the rows, or have the name of another column.
    """
    table = _in_memory(source)
    if is_frame(targets):
        raise DataError("targets beside a frame must be one column", expected="a series or an array (N,)")
    own = getattr(targets, "name", None)
    values = pl.Series(own or "target", targets.tolist() if hasattr(targets, "tolist") else list(targets), strict=False)
    if len(values) != len(table):
        raise DataError(
            "inputs and targets differ in number", expected=f"{len(table)} targets", received=f"{len(values)} targets"
        )
    if values.name in table.columns:
        raise DataError(
            f"the frame has a column '{values.name}' already",
            expected="inputs that do not hold the targets",
            received=", ".join(table.columns[:12]),
            advice=f"pass the frame alone with target='{values.name}'",
        )
    return table.with_columns(values), values.name


def find_column(asked: str, names: Sequence[str], option: str) -> str:
    """Return the column that an option names, by its name or, where none is called so, by its position from 1.

    Raises:
        DataError: there is no such column; the nearest is offered.
    """
    if asked in names:
        return asked
    if asked.isdigit() and 1 <= int(asked) <= len(names):
        return names[int(asked) - 1]
    raise DataError(
        f"there is no column '{asked}' for --{option}",
        expected=f"one of {listed(names)}, or a position from 1 to {len(names)}",
        received=asked or "an empty text",
        advice=nearest(asked, names),
    )


def find_columns(asked: str, names: Sequence[str], option: str) -> tuple[str, ...]:
    """Return the columns that an option names, in its order: one by its whole name, or several between commas.

    Raises:
        DataError: there is no such column, or one is named twice.
    """
    if asked in names or "," not in asked:
        return (find_column(asked, names, option),)
    found = tuple(find_column(part.strip(), names, option) for part in asked.split(","))
    if len(set(found)) < len(found):
        raise DataError(f"--{option} names a column twice", expected="each column once", received=asked)
    return found


def listed(names: Sequence[str]) -> str:
    """Return up to twelve names as one text, long ones cut: a line of prose taken for a header has no end."""
    shown = [name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…" for name in names[:_MOST_NAMES]]
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(shown) + more


def quoted(names: Sequence[str]) -> str:
    """Return names as `listed` does, each between quotation marks."""
    return listed([f"'{name}'" for name in names])


def typed_columns(raw: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return every column as one of the four kinds, strings that hold numbers or dates read as such, and notes."""
    cleaned = delimited.clean(raw.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String)))
    columns: list[pl.Series] = []
    notes: list[str] = []
    for series in cleaned:
        column, note = _typed(series)
        columns.append(column)
        notes += [note] if note else []
    return pl.DataFrame(columns), tuple(notes)


def as_numbers(series: pl.Series) -> pl.Series:
    """Return a typed column as Float64; what cannot be read as a number is null."""
    match series.dtype:
        case pl.String:
            numbers = series.cast(pl.Float64, strict=False)
            if numbers.null_count() > series.null_count():
                with_comma = series.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
                numbers = with_comma if with_comma.null_count() == series.null_count() else numbers
        case pl.Datetime():
            numbers = series.dt.epoch("s").cast(pl.Float64)
        case _:
            numbers = series.cast(pl.Float64)
    return numbers.fill_nan(None)


def as_known_numbers(series: pl.Series) -> tuple[pl.Series, str]:
    """Return a typed column of new data as Float64 where training had numbers, and a note on what is none.

    Raises:
        DataError: nothing in it is a number, or one is infinite.
    """
    numbers = as_numbers(series)
    if series.dtype == pl.String:
        infinite.refuse(numbers.to_frame())  # the rest was looked at before, as numbers
    unread = numbers.is_null() & series.is_not_null()
    count = int(unread.sum())
    if not count:
        return numbers, ""
    examples = series.filter(unread).unique(maintain_order=True).head(3).cast(pl.String).to_list()
    quoted = ", ".join(f"'{example}'" for example in examples)
    if count + series.null_count() == len(series):
        raise DataError(
            f"column '{series.name}' holds no numbers",
            expected="numbers, as in training",
            received=quoted,
            advice="are the columns in the right order, and of the right file?",
        )
    return numbers, f"column '{series.name}': {count:,} values are no numbers ({quoted}) and count as missing"


def as_words(series: pl.Series) -> pl.Series:
    """Return a typed column as String; whole numbers without a decimal point, value by value."""
    if series.dtype != pl.Float64:
        return series.cast(pl.String)
    # -0.0 is equal to 0.0: one value has one name (polars takes `+ 0.0` away unseen)
    return series.cast(pl.String).str.strip_suffix(".0").replace("-0", "0")


def as_dates(series: pl.Series) -> pl.Series | None:
    """Return a typed column as Datetime, or None if it holds no dates; 19580329 is read as a date too."""
    if isinstance(series.dtype, pl.Datetime):
        return series
    if series.dtype == pl.Float64:
        present = series.drop_nulls()
        if not len(present) or not bool(present.is_between(1_000_01_01, 2999_12_31).all()):
            return None
        dates = as_words(series).str.to_datetime("%Y%m%d", strict=False, time_unit="us")
        return dates if dates.null_count() == series.null_count() else None
    return _parsed_dates(series) if series.dtype == pl.String else None


def _read_binary(path: Path) -> pl.DataFrame:
    require_file(path, f"a {path.suffix} file")
    try:
        return pl.read_parquet(path) if path.suffix.lower() in (".parquet", ".pq") else pl.read_ipc(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(
            f"{path.name} cannot be read: it is damaged, or something else than its name says",
            expected=f"a {path.suffix} file",
            received=str(error).partition("\n")[0] if path.stat().st_size else "an empty file",
            advice="write it again; if it is text, call it .csv",
        ) from None


def _in_memory(source: Any) -> pl.DataFrame:
    match source:
        case pl.DataFrame():
            return source
        case pl.LazyFrame():
            try:
                return source.collect()
            except (pl.exceptions.PolarsError, OSError) as error:
                raise DataError("the lazy frame cannot be collected", received=str(error).partition("\n")[0]) from None
    if _is_pandas(source):
        return pl.DataFrame([_from_pandas(str(name), source[name]) for name in source.columns])
    if hasattr(source, "__arrow_c_stream__"):
        return pl.DataFrame(source)
    raise DataError(
        f"a {type(source).__name__} is no table",
        expected="a CSV or Parquet file, or a polars, pandas or Arrow frame",
        received=type(source).__name__,
    )


def _is_pandas(source: object) -> bool:
    """Tell a pandas frame by its type's name: pandas is the user's, not ours, and may be absent."""
    kind = type(source)
    return kind.__module__.partition(".")[0] == "pandas" and kind.__name__ == "DataFrame"


def _from_pandas(name: str, column: Any) -> pl.Series:
    """Convert one pandas column; by values, so that no pyarrow is needed."""
    if getattr(column, "ndim", 1) > 1:
        raise DataError(f"two columns are named '{name}'", advice="give every column of the frame its own name")
    kind = getattr(column.dtype, "kind", "O")
    if type(column.dtype).__module__.startswith("numpy") and kind in "biufmM":
        return pl.Series(name, column.to_numpy())
    if getattr(column.dtype, "tz", None) is not None:
        return pl.Series(name, column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
    values = column.astype(object).where(column.notna(), None).tolist()
    try:
        return pl.Series(name, values)
    except (TypeError, pl.exceptions.PolarsError):  # values of several types in one column
        return pl.Series(name, [None if value is None else str(value) for value in values], dtype=pl.String)


def _typed(series: pl.Series) -> tuple[pl.Series, str]:
    """Return a column as one of the four kinds and a note, if there is something to say."""
    dtype = series.dtype
    if dtype == pl.String:
        return _typed_strings(series)
    if dtype == pl.Boolean:
        return series, ""
    if dtype.is_integer() and bool((series.cast(pl.Float64).abs() >= 10**_EXACT_DIGITS).any()):
        return series.cast(pl.String), ""
    if dtype.is_numeric() or dtype == pl.Null:
        return series.cast(pl.Float64).fill_nan(None), ""
    if isinstance(dtype, pl.Datetime):
        return series.dt.replace_time_zone(None).cast(pl.Datetime("us")), ""
    if dtype == pl.Date:
        return series.cast(pl.Datetime("us")), ""
    if dtype in (pl.Duration, pl.Time):
        nanoseconds = series.dt.total_nanoseconds() if dtype == pl.Duration else series.cast(pl.Int64)
        return nanoseconds.cast(pl.Float64) / 1e9, f"column '{series.name}': read in seconds"
    raise DataError(
        f"column '{series.name}' holds {dtype}, which is no number, word or date",
        expected="numbers, words, truth values or dates",
        received=str(series.drop_nulls().head(1).to_list()[:1]),
        advice=f"leave it out with --ignore {series.name}",
    )


def _typed_strings(series: pl.Series) -> tuple[pl.Series, str]:
    present = series.drop_nulls()
    if not len(present):
        return series.cast(pl.Float64), ""
    if _are_codes(present):
        return series, f"column '{series.name}': digits read as codes, not as numbers"
    numbers = as_numbers(series)
    unread = numbers.null_count() - series.null_count()
    if not unread:
        return numbers, ""
    # decided on distinct values as well, so that a few levels such as 1, 2, 3+ stay words
    if 1 - unread / len(present) >= _LEAST_READABLE and numbers.n_unique() > 20:
        examples = series.filter(numbers.is_null() & series.is_not_null()).unique(maintain_order=True).head(3).to_list()
        quoted = ", ".join(f"'{example}'" for example in examples)
        return numbers, f"column '{series.name}': {unread:,} values are no numbers ({quoted}) and count as missing"
    lower = present.str.to_lowercase()
    if lower.is_in(list(_TRUTH)).all():
        return series.str.to_lowercase().replace_strict(_TRUTH, default=None, return_dtype=pl.Boolean), ""
    dates = _parsed_dates(series)
    return (series, "") if dates is None else (dates, "")


def _are_codes(present: pl.Series) -> bool:
    """Return whether digits are codes, not numbers: of one length and some led by a zero (02139), or very long."""
    lengths = present.str.len_chars()
    if int(lengths[0]) >= _EXACT_DIGITS:
        return bool(present.str.contains(rf"^\d{{{_EXACT_DIGITS},}}$").all())
    return (
        lengths.n_unique() == 1
        and lengths[0] >= 3
        and bool(present.str.contains(r"^\d+$").all())
        and bool(present.str.starts_with("0").any())
    )


def _parsed_dates(series: pl.Series) -> pl.Series | None:
    present = series.drop_nulls()
    head = present.head(100)
    if not len(present) or not bool(head.str.contains(r"\d").all()):
        return None
    for form in _DATE_FORMATS:
        if _dates(head, form).null_count() == 0:
            dates = _dates(series, form)
            if dates.null_count() == series.null_count():
                return dates
    return None


def _dates(series: pl.Series, form: str) -> pl.Series:
    if form in ("%Y-%m", "%Y/%m"):  # a month is its first day
        series, form = series + form[2] + "01", form + form[2] + "%d"
    dates = series.str.to_datetime(form, strict=False, time_unit="us", exact=True)
    return dates.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if "%#z" in form else dates
