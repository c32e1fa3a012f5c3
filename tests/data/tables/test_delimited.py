"""Delimited files: separator, encoding, header and missing markers are found out; broken ones are refused."""

import bz2
import gzip
import lzma
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import psutil
import pytest

from pellucid.data.tables import delimited, frames
from pellucid.errors import DataError

ROWS = "size,colour\n1.5,red\n2,blue\n3,red\n"


def written(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_separators_are_told(tmp_path: Path, separator: Any, ending: Any) -> None:
    path = written(tmp_path, ROWS.replace(",", separator).replace("\n", ending))
    table = delimited.read(path)
    assert table.has_header
    assert table.strings.to_dict(as_series=False) == {"size": ["1.5", "2", "3"], "colour": ["red", "blue", "red"]}


@pytest.mark.parametrize(
    ("ending", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_compressed_files_are_read(tmp_path: Path, ending: Any, compress: Any) -> None:
    path = written(tmp_path, compress(ROWS.encode()), "table.csv" + ending)
    assert frames.is_table_file(path)
    assert delimited.read(path).strings.shape == (3, 2)
    with pytest.raises(DataError, match="damaged"):
        delimited.read(written(tmp_path, ROWS, "damaged.csv" + ending))


@pytest.mark.parametrize(
    ("encoding", "noted"), [("utf-8", False), ("utf-8-sig", False), ("utf-16", False), ("latin-1", True)]
)
def test_encodings_are_told(tmp_path: Path, encoding: Any, noted: Any) -> None:
    path = written(tmp_path, "größe,farbe\n1,grün\n2,weiß\n".encode(encoding))
    table = delimited.read(path)
    assert table.strings.columns == ["größe", "farbe"]
    assert table.strings["farbe"].to_list() == ["grün", "weiß"]
    assert any("latin-1" in note for note in table.notes) == noted


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("size,colour\n1,red\n2,blue\n", True),
        ("39, State-gov, 77516\n50, Private, 83311\n", False),
        ("7.4,0.7,5\n7.8,0.88,5\n", False),
        ("a,b\nx,y\nx,z\n", True),
        ("x,y\nx,z\nx,y\n", False),
        ("0,1,2\n5,6,7\n", True),
        (",a,b\n0,1.5,2\n1,2.5,3\n", True),
        ("year,2019,2020\n1,2,3\n", True),
    ],
)
def test_a_header_is_told_from_data(tmp_path: Path, text: Any, header: Any) -> None:
    table = delimited.read(written(tmp_path, text))
    assert table.has_header == header
    assert header or table.strings.columns[0] == "column_1"
    assert header or any("no header" in note for note in table.notes)


def test_missing_markers_and_spaces_and_blank_lines(tmp_path: Path) -> None:
    text = 'a, b\n1, x\n?, "y, z"\nNA, NaN\n-, null\n n/a , \n\n'
    table = delimited.read(written(tmp_path, text))
    assert table.strings.to_dict(as_series=False) == {"a": ["1", None], "b": ["x", "y, z"]}


def test_columns_of_one_name_get_names_of_their_own(tmp_path: Path) -> None:
    table = delimited.read(written(tmp_path, "a,a,,b\n1,2,3,4\n"))
    assert table.strings.columns == ["a", "a_2", "column_3", "b"]
    assert any("two columns are named 'a'" in note for note in table.notes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        (b"PK\x03\x04\x00\x00", "is not text"),
        ("a,b\n1,2\n1,2,3\n", "line 3 of table.csv has too many fields"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, content: Any, message: Any) -> None:
    with pytest.raises(DataError, match=message):
        delimited.read(written(tmp_path, content))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        delimited.read(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("values", "dtype", "first"),
    [
        (["1", "2.5", None], pl.Float64, 1.0),
        (["1,5", "2,25"], pl.Float64, 1.5),
        (["1e3", "-2"], pl.Float64, 1000.0),
        (["True", "false"], pl.Boolean, True),
        (["02139", "10001"], pl.String, "02139"),
        (["1", "2", "3+"], pl.String, "1"),
        (["9007199254740993", "9007199254740992"], pl.String, "9007199254740993"),
        ([None, None], pl.Float64, None),
        (["red", "blue"], pl.String, "red"),
    ],
)
def test_columns_of_strings_are_typed(values: Any, dtype: Any, first: Any) -> None:
    typed, _ = frames.typed_columns(pl.DataFrame({"x": pl.Series(values, dtype=pl.String), "y": "kept"}))
    assert typed["x"].dtype == dtype
    assert typed["x"][0] == first


@pytest.mark.parametrize(
    "text",
    ["1949-02-03", "1949/02/03", "03.02.1949", "1949-02-03 00:00:00", "1949-02-03T00:00:00Z", "3 Feb 1949"],
)
def test_dates_are_read(text: Any) -> None:
    typed, _ = frames.typed_columns(pl.DataFrame({"when": [text, None, text]}))
    assert typed["when"].dtype == pl.Datetime("us")
    assert typed["when"].dt.strftime("%Y-%m-%d")[0] == "1949-02-03"


def test_months_and_numbers_can_be_dates() -> None:
    months, _ = frames.typed_columns(pl.DataFrame({"month": ["1949-01", "1949-02"]}))
    assert months["month"].dt.month().to_list() == [1, 2]
    days = frames.as_dates(pl.Series("date", [19580329.0, 19580405.0]))
    assert days is not None
    assert days.dt.day().to_list() == [29, 5]
    assert frames.as_dates(pl.Series("size", [3.5, 4.0])) is None


def test_a_few_spoilt_numbers_count_as_missing_and_are_named() -> None:
    values = [str(number) for number in range(99)] + ["12 kg"]
    typed, (note,) = frames.typed_columns(pl.DataFrame({"weight": values}))
    assert typed["weight"].null_count() == 1
    assert "'12 kg'" in note


def test_lists_are_refused() -> None:
    with pytest.raises(DataError, match="--ignore tags"):
        frames.read(pl.DataFrame({"tags": [["a"], ["b"]], "y": [1, 2]}))
    assert frames.read(pl.DataFrame({"tags": [["a"], ["b"]], "y": [1, 2]}), ignore=("tags",)).columns.columns == ["y"]


@pytest.mark.parametrize(
    ("ending", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_a_file_that_unpacks_to_more_than_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, compress: Any
) -> None:
    path = tmp_path / f"bomb.csv{ending}"
    path.write_bytes(compress(b"a,b\n" + b"1,2\n" * 1_000_000))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1_000_000))
    with pytest.raises(DataError, match="larger than fits into memory"):
        delimited.read(path)


def test_lines_end_as_on_any_system(tmp_path: Path) -> None:
    for number, ending in enumerate(("\n", "\r\n", "\r")):
        path = tmp_path / f"{number}.csv"
        path.write_bytes(ending.join(["a,b", "1,2", "3,4"]).encode())
        assert delimited.read(path).strings.rows() == [("1", "2"), ("3", "4")]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("a,b,c\n" + "1,2,3\n" * 20 + "4,5\n", "line 22 has 2 fields in place of 3"),
        ("a,b,c\n" + '1,"x,y",3\n' * 20 + "4,5\n", "line 22 has 2 fields in place of 3"),
        ("a,b,c\n" + "1,2,\n" * 20 + "\n", ""),
        ("a,b,c,\n" + "1,2,3\n" * 20, ""),
    ],
    ids=["short", "short beside quotes", "empty and blank", "a header that ends in a comma"],
)
def test_short_lines_are_counted_and_empty_fields_are_not(tmp_path: Path, text: str, note: str) -> None:
    notes = [said for said in delimited.read(written(tmp_path, text)).notes if "too few fields" in said]
    assert len(notes) == bool(note)
    assert all(note in said for said in notes)
