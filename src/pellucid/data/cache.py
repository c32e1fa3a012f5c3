"""Files that only save time: the cache folder, arrays written as a stream, arrays mapped into memory.

Everything in the cache folder can be deleted at any time; it is built again when it is needed.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pellucid.errors import DataError

ABOUT = "about.json"

_LONGEST_WAIT = 24 * 3600.0  # seconds, for another process that is building the same


def cache_folder() -> Path:
    """Return where pellucid keeps what it can get again: PELLUCID_CACHE, or the platform's folder for such files."""
    chosen = os.environ.get("PELLUCID_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "pellucid"


def build_once(group: str, key: str, build: Callable[[Path], Mapping[str, Any]]) -> tuple[Path, dict[str, Any]]:
    """Return the cached folder `group/key` and the document kept in it, building it where it is missing.

    `build` fills an empty folder and returns the document (JSON). The folder appears under its name only when it
    is whole: a crash leaves no half of it. Of several processes that want it one builds, the others wait.

    Raises:
        DataError: the cache folder cannot be written.
    """
    parent = cache_folder() / group
    folder = parent / key
    document = _read_document(folder)
    if document is not None:
        return folder, document
    with _naming_the_cache_folder(), exclusively(parent, key):
        document = _read_document(folder)
        if document is not None:
            return folder, document
        shutil.rmtree(folder, ignore_errors=True)  # damaged from outside: nothing of it can be used
        working = Path(tempfile.mkdtemp(prefix=f".{key}-", dir=parent))
        try:
            document = dict(build(working))
            (working / ABOUT).write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
            working.rename(folder)
        finally:
            shutil.rmtree(working, ignore_errors=True)
    return folder, document


@contextmanager
def exclusively(folder: Path, name: str) -> Iterator[None]:
    """Let one process at a time into the block for `name` in `folder`; the lock of one that dies is free again.

    An exclusive transaction on an empty database is the one such lock that the standard library has on every system.
    The lock's file stays: one that is removed while others wait for it would lock nothing.

    Raises:
        OSError: the folder cannot be written.
    """
    locks = folder / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    try:
        lock = sqlite3.connect(locks / name.replace("/", "-"), timeout=_LONGEST_WAIT, isolation_level=None)
        with closing(lock):
            lock.execute("BEGIN EXCLUSIVE")
            yield
    except sqlite3.Error as error:
        raise OSError(f"{locks} cannot be locked: {error}") from error


def require_room(size: int) -> None:
    """Refuse to write `size` bytes into the cache where the disk has not so many left.

    Raises:
        DataError: how many there are, and how to choose another place.
    """
    folder = cache_folder()
    free = shutil.disk_usage(next(place for place in (folder, *folder.absolute().parents) if place.is_dir())).free
    if size > free:
        raise DataError(
            f"the cache folder {folder} has too little room",
            expected=f"{size / 1e9:.3g} GB for what is decoded",
            received=f"{free / 1e9:.3g} GB free",
            advice="choose smaller images with --size, or another place with PELLUCID_CACHE",
        )


def write_npy(path: Path, dimensions: tuple[int, ...], chunks: Iterable[npt.NDArray[Any]], dtype: Any) -> str:
    """Write arrays (n, *dimensions) one after the other into one .npy file and return the sha256 of their bytes.

    Only one chunk is in memory at a time, and the number of rows need not be known beforehand.
    """
    count, digest = 0, hashlib.sha256()
    with path.open("wb") as file:
        start = _write_header(file, (0, *dimensions), dtype)
        for chunk in chunks:
            assert chunk.shape[1:] == dimensions, f"{chunk.shape} in a file of rows {dimensions}"
            rows = np.ascontiguousarray(chunk, dtype)
            file.write(rows.data)
            digest.update(rows.data)
            count += len(rows)
        file.seek(0)
        # numpy pads the header so that the first dimension can grow without moving what follows
        assert _write_header(file, (count, *dimensions), dtype) == start
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def map_npy(path: Path) -> Tensor:
    """Return the array of a .npy file as a tensor that is read from the disk as it is used."""
    try:
        # copy-on-write: an in-place change stays in this process and never reaches the file
        return torch.from_numpy(np.load(path, mmap_mode="c", allow_pickle=False))
    except OSError:
        # Linux grants no private writable mapping larger than its memory; a read-only one has no such limit
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(mapped)


def listing_key(files: Iterable[Path], *details: object) -> str:
    """Return a key that changes when one of the files or of the details does: names, sizes and times are compared."""
    digest = hashlib.sha256(repr(details).encode())
    for file in files:
        status = file.stat()
        digest.update(f"{file.absolute()}\0{status.st_size}\0{status.st_mtime_ns}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()[:32]


def _read_document(folder: Path) -> dict[str, Any] | None:
    try:
        document = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def _write_header(file: IO[bytes], shape: tuple[int, ...], dtype: Any) -> int:
    description = np.lib.format.dtype_to_descr(np.dtype(dtype))
    np.lib.format.write_array_header_1_0(file, {"descr": description, "fortran_order": False, "shape": shape})
    return file.tell()


@contextmanager
def _naming_the_cache_folder() -> Iterator[None]:
    """Turn a failure of the disk into an error that says where it was and how to choose another place."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"the cache folder {cache_folder()} cannot be written: {error}",
            advice="set PELLUCID_CACHE to a folder with enough room that you may write to",
        ) from error
