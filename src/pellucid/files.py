"""Files that hold plain data, written whole or not at all, and the folders they lie in.

JSON, and JSON Lines, appended as things happen; a value that JSON cannot say (NaN, infinity) is written as its name in
quotes.
"""

import contextlib
import errno
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pellucid.errors import RunError


def to_json_line(document: Mapping[str, Any]) -> str:
    """Return one JSON line; floats keep every bit, NaN and infinities become "NaN", "Infinity", "-Infinity"."""
    return json.dumps(_spell(document), allow_nan=False, ensure_ascii=False) + "\n"


def from_json_line(line: str) -> dict[str, Any]:
    """Return what `to_json_line` wrote."""
    document = _unspell(json.loads(line))
    if not isinstance(document, dict):
        raise TypeError(f"{type(document).__name__} in place of an object")
    return document


def append_line(path: Path, document: Mapping[str, Any]) -> None:
    """Append one JSON line to a file, which is made where there is none."""
    with writing(path), path.open("a", encoding="utf-8") as file:
        file.write(to_json_line(document))


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read what `append_line` wrote; a last line cut off by a crash is left out, and no file has none.

    Raises:
        RunError: the file is damaged.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        return [from_json_line(line) for line in lines if line.endswith("\n")]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError) as error:
        raise RunError(f"{path} is damaged", expected="a JSON object a line", received=str(error)) from None


def drop_cut_line(path: Path) -> None:
    """Take away a last line that a crash cut off, so that what is appended stands on a line of its own."""
    if path.exists():
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            write_bytes(path, whole)


def json_text(document: Mapping[str, Any]) -> str:
    """Return a JSON document, indented for people; NaN and infinities as in `to_json_line`."""
    return json.dumps(_spell(document), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON file whole or not at all, indented for people."""
    write_bytes(path, json_text(document).encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote.

    Raises:
        RunError: the file is missing or is not a JSON object.
    """
    try:
        document = _unspell(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise RunError(f"{path} is missing", advice="is this a run folder, and was its training begun?") from None
    except ValueError as error:
        raise RunError(f"{path} is damaged", expected="a JSON object", received=str(error)) from None
    if not isinstance(document, dict):
        raise RunError(f"{path} is damaged", expected="a JSON object", received=type(document).__name__)
    return document


@contextlib.contextmanager
def as_damage(path: Path) -> Iterator[None]:
    """Say of a file whose JSON can be read, but is not what was written, that it is damaged.

    Raises:
        RunError: a field is missing or is of another type.
    """
    try:
        yield
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError, ValueError) as error:
        what = f"without {error}" if isinstance(error, KeyError) else str(error).splitlines()[0]
        raise RunError(
            f"{path} is damaged", expected="what `pellucid train` wrote", received=what, advice="restore it from a copy"
        ) from None


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: to a temporary name, flushed to the disk, then renamed."""
    temporary = path.with_name(path.name + ".tmp")
    with writing(path):
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)  # what was there before stays; half a file would only fill the disk
            raise


@contextlib.contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Say what to do where a file cannot be written.

    Raises:
        RunError: no space is left, the right to write is missing, the folder is gone, or the disk failed otherwise.
    """
    try:
        yield
    except OSError as error:
        is_full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        mend = "make room" if is_full else "see that its folder is there and may be written into"
        raise RunError(
            f"the disk takes no more: {path} could not be written" if is_full else f"{path} cannot be written",
            expected="free space" if is_full else "a folder that takes files",
            received=error.strerror or str(error),
            advice=f"{mend}; a training goes on from its last checkpoint with: pellucid train --resume RUN",
        ) from None


def new_run_folder(parent: Path, name: str | None, data_name: str) -> Path:
    """Make the folder of a new run: `parent/name`, or the data's name and the first free counter.

    Raises:
        RunError: `name` is taken (a run is never overwritten) or is no name, or no folder can be made there.
    """
    if name is not None and (name in {"", ".", ".."} or Path(name).name != name):
        raise RunError(f"a run cannot be called '{name}'", expected="a folder's name", received=name or "nothing")
    try:
        parent.mkdir(parents=True, exist_ok=True)
        if name is None:
            return _next_folder(parent, data_name)
        (parent / name).mkdir()
    except FileExistsError:
        if name is None or not parent.is_dir():
            raise RunError(f"{parent} is a file", expected="a folder for runs", received="a file") from None
        message = f"{parent / name} exists"
        raise RunError(message, advice="choose another --name; a run is never overwritten") from None
    except OSError as error:
        advice = "choose another --folder"
        raise RunError(
            f"no run can be kept in {parent}", received=os.strerror(error.errno or 0), advice=advice
        ) from None
    return parent / name


def _next_folder(parent: Path, data_name: str) -> Path:
    counter = 1
    while True:
        folder = parent / f"{data_name}-{counter}"
        try:
            folder.mkdir()
        except FileExistsError:
            counter += 1
        else:
            return folder


def _spell(value: Any) -> Any:
    match value:
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case Mapping():
            return {str(key): _spell(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_spell(inner) for inner in value]
        case Path():
            return str(value)
    return value


def _unspell(value: Any) -> Any:
    match value:
        case "NaN" | "Infinity" | "-Infinity":
            return float(value)
        case dict():
            return {key: _unspell(inner) for key, inner in value.items()}
        case list():
            return [_unspell(inner) for inner in value]
    return value
