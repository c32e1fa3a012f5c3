"""What is written in a delimited text file: its bytes, unpacked where they are compressed, as UTF-8."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Mapping
from io import BufferedIOBase, BytesIO
from pathlib import Path

import psutil

from pellucid.data.paths import naming, require_file
from pellucid.errors import DataError

COMPRESSED: Mapping[str, Callable[[BytesIO], BufferedIOBase]] = {
    ".gz": lambda file: gzip.GzipFile(fileobj=file),
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
}
_BYTES_AT_ONCE = 1 << 24
_MOST_OF_MEMORY = 0.5  # what is read becomes columns, which take as much again
_MOST_BY_GZIP = 1032  # no deflated byte stands for more (zlib's technical notes)
_BYTES_LOOKED_AT = 1 << 17
_WEB_PAGE = (b"<!doctype", b"<html", b"<?xml")
_JSON = (b"{", b"[{", b"[[")


def read(path: Path) -> tuple[bytes, tuple[str, ...]]:
    """Return the text of a file in UTF-8, and a note where it was in something else.

    Raises:
        DataError: no file, damaged, binary, or larger than the memory.
    """
    content, notes = _decode(_unpack(path), path)
    begin = content[:_BYTES_LOOKED_AT].lstrip()[:64].lower()
    for marks, what in ((_WEB_PAGE, "a web page"), (_JSON, "JSON")):
        if begin.startswith(marks):
            raise DataError(
                f"{path.name} is {what}, not a table",
                expected="a header and rows, such as a CSV file",
                received=begin[:40].decode(errors="replace"),
                advice="was an error page saved in its place?" if marks == _WEB_PAGE else "save it as CSV or Parquet",
            )
    if b"\r" in content and b"\n" not in content:
        content = content.replace(b"\r", b"\n")  # as old Macintoshes, and some instruments, end their lines
    return content, notes


def _unpack(path: Path) -> bytes:
    require_file(path, "a table, such as a CSV or Parquet file")
    with naming(path):
        _refuse_larger_than_memory(path, path.stat().st_size)
        content = path.read_bytes()
    suffix = path.suffix.lower()
    opened = COMPRESSED.get(suffix)
    if opened is None:
        return content
    try:
        if suffix == ".gz" and len(content) * _MOST_BY_GZIP <= _most_bytes():
            return gzip.decompress(content)  # all at once is faster
        with opened(BytesIO(content)) as file:
            return _unpacked(file, path)
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise DataError(
            f"{path.name} is damaged", expected=f"a {path.suffix} file", received=str(error), advice="fetch it again"
        ) from None


def _unpacked(file: BufferedIOBase, path: Path) -> bytes:
    """Return what a compressed file holds; a small file can hold more than the memory does."""
    parts: list[bytes] = []
    size = 0
    while part := file.read(_BYTES_AT_ONCE):
        parts.append(part)
        size += len(part)
        _refuse_larger_than_memory(path, size)
    return b"".join(parts)


def _most_bytes() -> int:
    return int(psutil.virtual_memory().available * _MOST_OF_MEMORY)


def _refuse_larger_than_memory(path: Path, size: int) -> None:
    most = _most_bytes()
    if size > most:
        raise DataError(
            f"{path.name} is larger than fits into memory",
            expected=f"at most {most / 1e9:.3g} GB of text, half of the memory that is free",
            received=f"{size / 1e9:.3g} GB or more, in a file of {path.stat().st_size / 1e9:.3g} GB",
            advice="keep fewer rows or columns",
        )


def _decode(content: bytes, path: Path) -> tuple[bytes, tuple[str, ...]]:
    """Return the text in UTF-8 without a byte-order mark, and a note where it was in something else."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            try:
                return content.decode(encoding).encode(), ()
            except UnicodeDecodeError:
                content = content.removeprefix(b"\xef\xbb\xbf")
                break
    if b"\0" in content[:_BYTES_LOOKED_AT]:
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
