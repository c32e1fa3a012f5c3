"""Delimited text files (CSV, TSV, ...) become a frame of strings: separator, encoding and header are found out."""

import bz2
import csv
import gzip
import lzma
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import polars as pl

from pellucid.errors import DataError

ENDINGS = (".csv", ".tsv", ".tab", ".psv", ".data")

_DECOMPRESS: Mapping[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
    ".xz": lzma.decompress,
}
_SEPARATORS = (",", ";", "\t", "|")
_SAMPLE_BYTES = 1 << 17
_SAMPLE_ROWS = 200

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
    if suffixes and suffixes[-1] in _DECOMPRESS:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in ENDINGS


def read(path: Path, known: Sequence[str] = ()) -> Table:
    """Read a delimited file.

    Args:
        path: the file; `.gz`, `.bz2` and `.xz` are decompressed.
        known: column names to expect: a first line that holds them all is a header whatever it looks like.

    Raises:
        DataError: the file is missing, empty, binary, or its lines differ in number of fields.
    """
    content, notes = _decode(_content(path), path)
    if not content.strip():
        raise DataError(f"{path.name} is empty", expected="a header and rows", received="no text")
    sample = content[:_SAMPLE_BYTES].decode(errors="ignore").lstrip("\r\n")
    separator = _separator(sample)
    spaced_quote = f'{separator} "'
    if separator != "\t" and spaced_quote in sample:
        # a space before the quote would make the quote part of the value
        content = re.sub(rf'(?m)(^|\{separator})[ \t]+"'.encode(), rb'\1"', content)
        sample = sample.replace(spaced_quote, f'{separator}"')
    rows = _sample_rows(sample, separator)
    has_header = looks_like_header(rows, known)
    strings = _parse(content, separator, path, has_header=has_header)
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


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} does not exist") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read", received=str(error)) from None
    decompress = _DECOMPRESS.get(path.suffix.lower())
    if decompress is None:
        return content
    try:
        return decompress(content)
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise DataError(
            f"{path.name} is damaged", expected=f"a {path.suffix} file", received=str(error), advice="fetch it again"
        ) from None


def _decode(content: bytes, path: Path) -> tuple[bytes, tuple[str, ...]]:
    """Return the text in UTF-8 without a byte-order mark, and a note where it was in something else."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            try:
                return content.decode(encoding).encode(), ()
            except UnicodeDecodeError:
                break
    if b"\0" in content[:_SAMPLE_BYTES]:
        raise DataError(
            f"{path.name} is not text",
            expected="a CSV or TSV file",
            received="a binary file",
            advice="save it as CSV or Parquet",
        )
    try:
        content.decode()
    except UnicodeDecodeError:
        # every byte is a character in latin-1; a wrong guess spoils a few letters, not the table
        return content.decode("latin-1").encode(), ("encoding: not UTF-8, read as latin-1",)
    return content, ()


def _separator(sample: str) -> str:
    """Return the separator that gives most lines the same number of fields, more than one."""
    best, most = ",", (0.0, 0)
    for separator in _SEPARATORS:
        widths = [len(row) for row in _sample_rows(sample, separator)[:50]]
        width = max(set(widths), key=widths.count)
        if width > 1 and (widths.count(width) / len(widths), width) > most:
            best, most = separator, (widths.count(width) / len(widths), width)
    return best


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
    except pl.exceptions.PolarsError as error:
        raise _unparsable(content, separator, path, str(error).partition("\n")[0]) from None


def _unparsable(content: bytes, separator: str, path: Path, reason: str) -> DataError:
    """Return the error that names the first line with more fields than the first."""
    rows = csv.reader(content.decode().splitlines(), delimiter=separator)
    width = len(next(rows))
    for row in rows:
        if len(row) > width:
            return DataError(
                f"line {rows.line_num} of {path.name} has too many fields",
                expected=f"{width} fields, as in line 1",
                received=f"{len(row)} fields",
                advice="quote values that hold the separator, or mend the line",
            )
    return DataError(
        f"{path.name} cannot be read as a table",
        expected=f"rows of fields separated by '{separator}'",
        received=reason,
    )


def _unique(fields: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return column names, the nameless and the repeated ones given a name of their own, and notes."""
    names: list[str] = []
    notes: list[str] = []
    for number, field in enumerate(fields, start=1):
        name = field.strip() or f"column_{number}"
        while name in names:
            renamed = f"{name}_{number}"
            notes.append(f"two columns are named '{name}': the later is called '{renamed}'")
            name = renamed
        names.append(name)
    return names, tuple(notes)


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return field.replace(",", ".", 1).lstrip("+-").replace(".", "", 1).isdigit()
    return True
