"""A path that a user gave, before it is read: what is wrong with it, said by its name, and which names are near."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pellucid.errors import DataError, nearest

_LONGEST_SHOWN = 200


def require_file(path: Path, what: str) -> None:
    """Refuse a path that is not a file.

    Args:
        path: where a file should be.
        what: what it should hold, such as `a CSV or TSV file`.

    Raises:
        DataError: there is nothing (the nearest name is offered), a folder, a broken link, or a pipe.
    """
    with naming(path):
        if path.is_file():
            return
        if path.is_dir():
            raise DataError(f"{path} is a folder", expected=what, received="a folder", advice=_one_inside(path))
        raise missing(path, what)


def missing(path: Path, what: str) -> DataError:
    """Return the error for a path at which nothing can be read: a broken link, a pipe, or nothing at all."""
    shown = _shown(path)
    with naming(path):
        if path.is_symlink() and not path.exists():
            return DataError(
                f"{shown} is a link that leads nowhere", expected=what, received=f"a link to {path.readlink()}"
            )
        if path.exists():
            return DataError(
                f"{shown} is neither a file nor a folder",
                expected=what,
                received="a pipe or a device, which can be read only once",
                advice="write it into a file first",
            )
        if path.parent.is_dir():
            beside = [str(file) for file in path.parent.iterdir()]
            return DataError(
                f"{shown} does not exist", expected=what, received=shown, advice=nearest(str(path), beside)
            )
        gone = next(folder for folder in (path, *path.parents) if folder.parent.is_dir())
        beside = [str(folder) for folder in gone.parent.iterdir() if folder.is_dir()]
        return DataError(
            f"{shown} does not exist",
            expected=what,
            received=f"{shown}, whose folder {_shown(path.parent)} does not exist either",
            advice=nearest(str(gone), beside),
        )


@contextmanager
def naming(path: object) -> Iterator[None]:
    """Turn what the system says of a path (no permission, too long a name, a failing disk) into an error that names it.

    Raises:
        DataError: in place of an `OSError` from within.
    """
    try:
        yield
    except OSError as error:
        where = error.filename if isinstance(error.filename, str | os.PathLike) else path
        raise DataError(
            f"{_shown(where)} cannot be read: {error.strerror or error}",
            advice="its owner can let you read it with chmod" if isinstance(error, PermissionError) else "",
        ) from None


def _shown(path: object) -> str:
    """Return a path as it is, or with what cannot be printed spelled out, and not too long."""
    text = str(path) if str(path).isprintable() else repr(str(path))
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}… ({len(text):,} characters)"


def _one_inside(folder: Path) -> str:
    """Return advice that names a file in a folder, if there is one."""
    files = sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))
    return f"name a file in it, such as {files[0]}" if files else ""
