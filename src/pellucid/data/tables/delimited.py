"""Delimited text files (CSV, TSV, ...) become a frame of strings: separator, encoding and header are found out."""

import csv
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path

import polars as pl

from pellucid.data.tables import content as contents
from pellucid.errors import DataError

ENDINGS = (".csv", ".tsv", ".tab", ".psv", ".data")

_MOST_SHORT_LINES = 0.1
_SEPARATORS = (",", ";", "\t", "|")
_SAMPLE_BYTES = 1 << 17
_SAMPLE_ROWS = 200
_SAMPLE_LINES = 5

# what people write where a value is missing; compared without regard to case
MISSING = frozenset(("", "na", "n/a", "#n/a", "?", "null", "nan", "-"))


@dataclass(frozen=True, slots=True)
class Table:
    """A delimited file as read.

    Attributes:
        strings: every column as strings, stripped of spaces; missing values are null.
        has_header: whether the first line names the columns.
        notes: what was found out.
    """

    strings: pl.DataFrame
    has_header: bool
    notes: tuple[str, ...]


def is_delimited(path: Path) -> bool:
    """Return whether a file's name ends as a delimited file's does, compressed or not."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in contents.COMPRESSED:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in ENDINGS


def read(path: Path, known: Sequence[str] = ()) -> Table:
    """Read a delimited file.

    Args:
        path: the file; `.gz`, `.bz2` and `.xz` are decompressed.
        known: column names to expect: a first line that holds them all is a header whatever it looks like.

    Raises:
        DataError: the file is missing, empty, binary, or has a line of too many fields, or many of too few.
    """
    content, notes = contents.read(path)
    if not content.strip():
        raise DataError(f"{path.name} is empty", expected="a header and rows", received="no text")
    sample = _sample(content).decode(errors="ignore").lstrip("\r\n")
    separator = _separator(sample)
    spaced_quote = f'{separator} "'
    if separator != "\t" and spaced_quote in sample:
        # a space before the quote would make the quote part of the value
        content = re.sub(rf'(?m)(^|\{separator})[ \t]+"'.encode(), rb'\1"', content)
        sample = sample.replace(spaced_quote, f'{separator}"')
    rows = _sample_rows(sample, separator)
    has_header = looks_like_header(rows, known)
    strings = _parse(content, separator, path, has_header=has_header)
    notes += _short_lines_note(content, separator, path, strings, lines=strings.height + has_header)
    if has_header:
        names, more_notes = _unique(rows[0])
        notes += more_notes
    else:
        names = [f"column_{number}" for number in range(1, strings.width + 1)]
        notes += (f"no header: the {len(names)} columns are named column_1 to column_{len(names)}",)
    if len(names) == strings.width:
        strings.columns = names
    if separator not in (",", "\t"):
        notes += (f"separator: '{separator}'",)
    return Table(clean(strings), has_header, notes)


def clean(frame: pl.DataFrame) -> pl.DataFrame:
    """Strip spaces around strings, make missing markers null, and drop rows without any value (blank lines)."""
    stripped = pl.col(pl.String).str.strip_chars()
    marked = pl.when(stripped.str.to_lowercase().is_in(list(MISSING))).then(None).otherwise(stripped)
    cleaned = frame.with_columns(marked.name.keep())
    return cleaned.filter(~pl.all_horizontal(pl.all().is_null())) if cleaned.width else cleaned


def looks_like_header(rows: Sequence[Sequence[str]], known: Sequence[str] = ()) -> bool:
    """Return whether the first of some rows names the columns below it.

    It does if it holds all the known names, or a word above a column of numbers, or if all its fields are
    different words that the columns below do not repeat, or if it counts the columns 0, 1, 2, ...
    """
    first = [field.strip() for field in rows[0]]
    if known and set(known) <= set(first):
        return True
    if len(first) > 1 and first in ([str(n) for n in range(len(first))], [str(n) for n in range(1, len(first) + 1)]):
        return True
    below = [[row[index].strip() for row in rows[1:] if index < len(row)] for index in range(len(first))]
    present = [[field for field in column if field.lower() not in MISSING] for column in below]
    words = [field.lower() not in MISSING and not _is_number(field) for field in first]
    if any(word and column and all(map(_is_number, column)) for word, column in zip(words, present, strict=True)):
        return True
    named = [field for field in first if field]
    all_words = all(word or not field for word, field in zip(words, first, strict=True))
    repeated = sum(field in column for field, column in zip(first, present, strict=True))
    return bool(named) and all_words and len(set(named)) == len(named) and repeated * 2 < len(first)


def _separator(sample: str) -> str:
    """Return the separator that gives most lines the same number of fields, more than one."""
    best, most = ",", (0.0, 0)
    for separator in _SEPARATORS:
        widths = [len(row) for row in _sample_rows(sample, separator)[:50]]
        width = max(set(widths), key=widths.count)
        if width > 1 and (widths.count(width) / len(widths), width) > most:
            best, most = separator, (widths.count(width) / len(widths), width)
    return best


def _sample(content: bytes) -> bytes:
    """Return the beginning of a file: of lines so long that few fit in, as many as tell a header from rows."""
    end = 0
    for _ in range(_SAMPLE_LINES):
        end = content.find(b"\n", end) + 1
        if not end:
            return content
    return content[: max(end, _SAMPLE_BYTES)]


def _sample_rows(sample: str, separator: str) -> list[list[str]]:
    lines = sample.splitlines()
    if len(sample) >= _SAMPLE_BYTES // 2 and len(lines) > 1:
        lines = lines[:-1]  # the last line may be cut
    try:
        rows = [row for row in csv.reader(lines[: _SAMPLE_ROWS + 1], delimiter=separator) if row]
    except csv.Error:
        rows = [line.split(separator) for line in lines[: _SAMPLE_ROWS + 1]]
    return rows or [[""]]


def _parse(content: bytes, separator: str, path: Path, *, has_header: bool) -> pl.DataFrame:
    try:
        return pl.read_csv(BytesIO(content), separator=separator, has_header=has_header, infer_schema=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _unparsable(content, separator, path, str(error).partition("\n")[0]) from None


def _unparsable(content: bytes, separator: str, path: Path, reason: str) -> DataError:
    """Return the error that names the line at fault: one of more fields than the first, or a quote without an end."""
    lines, unclosed = _fields_of_lines(content, separator)
    if unclosed:
        return DataError(
            f"a quote opened in line {unclosed} of {path.name} is never closed",
            expected='a " at both ends of a value, and "" for a quote within',
            received="the end of the file",
        )
    widths = [fields for _, fields in lines]
    usual = max(set(widths), key=widths.count) if widths else 0
    if widths and usual > widths[0]:
        return DataError(
            f"line {lines[0][0]} of {path.name} has fewer fields than the lines below it",
            expected=f"a header of {usual} fields",
            received=f"{widths[0]} fields",
            advice="take out what stands above the header, or name every column",
        )
    too_long = next((line for line in lines if line[1] > widths[0]), None)
    if too_long:
        return DataError(
            f"line {too_long[0]} of {path.name} has too many fields",
            expected=f"{widths[0]} fields, as in line {lines[0][0]}",
            received=f"{too_long[1]} fields",
            advice="quote values that hold the separator, or mend the line",
        )
    return DataError(
        f"{path.name} cannot be read as a table",
        expected=f"rows of fields separated by '{separator}'",
        received=reason,
    )


def _short_lines_note(
    content: bytes, separator: str, path: Path, strings: pl.DataFrame, *, lines: int
) -> tuple[str, ...]:
    """Return a note on lines that end before their last field, which polars fills up, or nothing.

    Raises:
        DataError: more than a tenth of the lines do.
    """
    # such a line lacks its last field, though not all of them as a blank one does; else nothing needs to be counted
    lacking = strings.filter(strings[:, -1].is_null())
    partly = int(lacking.select(~pl.all_horizontal(pl.all().is_null())).to_series().sum())
    blank = len(lacking) - partly
    separators = (lines - blank) * (strings.width - 1)
    if not partly or (b'"' not in content and content.count(separator.encode()) >= separators):
        return ()
    counted, _ = _fields_of_lines(content, separator)
    short = [line for line in counted if line[1] < strings.width]
    if not short or (counted[0][1] == strings.width and len(short) == len(counted) - 1):
        return ()  # the header alone ends with a separator: what it names no value follows
    first, fields = short[0]
    found = f"line {first} has {fields} fields in place of {strings.width}"
    if len(short) > _MOST_SHORT_LINES * strings.height:
        raise DataError(
            f"{len(short):,} of the {strings.height:,} lines of {path.name} have too few fields",
            expected=f"{strings.width} fields, the rest at most in {_MOST_SHORT_LINES:.0%} of the lines",
            received=found,
            advice=f"mend the lines; is '{separator}' the separator, and the file whole?",
        )
    return (f"lines with too few fields ({len(short):,}), such as {found}: what they lack counts as missing",)


def _fields_of_lines(content: bytes, separator: str) -> tuple[list[tuple[int, int]], int | None]:
    """Return number and count of fields of each line that is not blank, and the line of a quote that is never closed.

    A value in quotes may go on over several lines; the number is then the last one's.
    """
    limit = csv.field_size_limit(sys.maxsize)
    rows = csv.reader(StringIO(content.decode(), newline=""), delimiter=separator, strict=True)
    lines: list[tuple[int, int]] = []
    begun = 1
    try:
        for row in rows:
            if row:
                lines.append((rows.line_num, len(row)))
            begun = rows.line_num + 1
    except csv.Error as error:
        return lines, begun if "end of data" in str(error) else None
    finally:
        csv.field_size_limit(limit)
    return lines, None


def _unique(fields: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return column names, the nameless and the repeated ones given a name of their own, and notes."""
    names: dict[str, None] = {}
    notes: list[str] = []
    for number, field in enumerate(fields, start=1):
        name = field.strip() or f"column_{number}"
        while name in names:
            renamed = f"{name}_{number}"
            notes.append(f"two columns are named '{name}': the later is called '{renamed}'")
            name = renamed
        names[name] = None
    return list(names), tuple(notes)


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return field.replace(",", ".", 1).lstrip("+-").replace(".", "", 1).isdigit()
    return True
