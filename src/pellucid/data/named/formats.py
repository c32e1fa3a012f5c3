"""The published formats of the classic image sets, read with numpy and nothing that could run code: idx, CIFAR-10.

Shape letters: N images, C channels, H height, W width.
"""

import csv
import gzip
import struct
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from pellucid.data.images.pixels import Pixels
from pellucid.errors import DataError

CIFAR10_BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")

_SIDE = 32
_PIXELS = 3 * _SIDE * _SIDE
_UNSIGNED_BYTES = 0x08
_MOST_VALUES = 1 << 32  # more is a damaged head, not a data set


def read_idx(path: Path) -> Pixels:
    """Read a gzipped idx file of unsigned bytes, as MNIST is published.

    Its head is two zero bytes, the code of the type, the number of dimensions, and each dimension as a big-endian
    32-bit number (http://yann.lecun.com/exdb/mnist).

    Raises:
        DataError: not such a file, or cut off.
    """
    with _damage_named(path, "a gzipped idx file of bytes"), gzip.open(path) as file:
        zeros, code, count = struct.unpack(">HBB", file.read(4))
        if zeros != 0 or code != _UNSIGNED_BYTES or not 1 <= count <= 4:
            raise ValueError(f"its head says {zeros}, type {code:#04x}, {count} dimensions")
        shape = struct.unpack(f">{count}I", file.read(4 * count))
        if prod(shape) > _MOST_VALUES:
            raise ValueError(f"its head says {prod(shape):,} values")
        content = file.read(prod(shape) + 1)
        if len(content) != prod(shape):
            held = f"{len(content):,}" if len(content) < prod(shape) else "more"
            raise ValueError(f"its head says {prod(shape):,} values, it holds {held}")
    return np.frombuffer(content, np.uint8).reshape(shape)


def read_cifar_folder(folder: Path, batch: str) -> tuple[Pixels, Pixels]:
    """Read one batch of the extracted binary version: images (N, 3, 32, 32) and labels (N,), uint8.

    Raises:
        DataError: not there, or not whole records.
    """
    path = folder / f"{batch}.bin"
    with _damage_named(path, "CIFAR-10's binary version"):
        return _records(path.read_bytes())


def read_cifar_archive(archive: Path) -> Iterator[tuple[Pixels, Pixels]]:
    """Read the batches out of cifar-10-binary.tar.gz, in the order of `CIFAR10_BATCHES`; nothing is unpacked to disk.

    Raises:
        DataError: not a tar archive, cut off, or without a batch.
    """
    with _damage_named(archive, "CIFAR-10's cifar-10-binary.tar.gz"), tarfile.open(archive, "r:gz") as files:
        members = {Path(member.name).name: member for member in files.getmembers() if member.isfile()}
        for batch in CIFAR10_BATCHES:
            if f"{batch}.bin" not in members:
                raise ValueError(f"{batch}.bin is not in it")
            file = files.extractfile(members[f"{batch}.bin"])
            assert file is not None, "a regular file can be read"
            yield _records(file.read())


def read_cifar_sheet(folder: Path, batch: str) -> Pixels:
    """Read one batch laid out as a lossless sheet of 32x32 images, row by row: uint8 (N, 3, 32, 32).

    Raises:
        DataError: no image, or not of whole 32x32 fields.
    """
    path = folder / f"{batch}.webp"
    with _damage_named(path, "a sheet of 32x32 images"), Image.open(path) as image:
        width, height = image.size
        if width % _SIDE or height % _SIDE:
            raise ValueError(f"its size is {width}x{height}")
        sheet = np.asarray(image.convert("RGB"))
    fields = sheet.reshape(height // _SIDE, _SIDE, width // _SIDE, _SIDE, 3)
    return fields.transpose(0, 2, 4, 1, 3).reshape(-1, 3, _SIDE, _SIDE)


def read_cifar_labels(folder: Path) -> dict[str, Pixels]:
    """Read labels.csv.gz (split, index, label): for `train` and `test` the labels in the order of the images.

    Raises:
        DataError: not such a table, or an image without a label.
    """
    path = folder / "labels.csv.gz"
    with _damage_named(path, "a table with columns split, index, label"):
        with gzip.open(path, "rt", newline="", encoding="utf-8") as file:
            rows = [(row["split"], int(row["index"]), int(row["label"])) for row in csv.DictReader(file)]
        labels = {}
        for split in ("train", "test"):
            numbered = sorted((index, label) for name, index, label in rows if name == split)
            if [index for index, _ in numbered] != list(range(len(numbered))):
                raise ValueError(f"the indices of {split} are not 0, 1, 2, ...")
            labels[split] = _checked_labels(np.array([label for _, label in numbered], np.int64))
    return labels


def _records(content: bytes) -> tuple[Pixels, Pixels]:
    """Split records of a label byte and 3,072 bytes of red, green and blue planes."""
    if not content or len(content) % (1 + _PIXELS):
        raise ValueError(f"{len(content):,} bytes are not whole records of {1 + _PIXELS:,}")
    records = np.frombuffer(content, np.uint8).reshape(-1, 1 + _PIXELS)
    return records[:, 1:].reshape(-1, 3, _SIDE, _SIDE), _checked_labels(records[:, 0])


def _checked_labels(labels: npt.NDArray[Any]) -> Pixels:
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) <= 9:
        raise ValueError(f"a label is {int(labels.max())}, not one of 0 to 9")
    return labels.astype(np.uint8)


@contextmanager
def _damage_named(path: Path, expected: str) -> Iterator[None]:
    """Turn what a damaged file makes the readers raise into an error that names the file."""
    try:
        yield
    except (OSError, EOFError, ValueError, KeyError, TypeError, struct.error, zlib.error, tarfile.TarError) as error:
        raise DataError(
            f"{path} is missing or damaged",
            expected=expected,
            received=str(error) or type(error).__name__,
            advice="delete it to have it downloaded again, or put a whole copy in its place",
        ) from error
