"""Many image files as one stored array: decoded once, by several threads, into a file that is mapped into memory.

Shape letters: N images, B images decoded at once, C channels, H height, W width.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pellucid.data import cache, progress
from pellucid.data.images.pixels import Pixels, UnreadableImageError, parse_size, read_image, read_size, strict_pillow
from pellucid.errors import DataError

# Pillow decodes outside Python's lock: threads are enough
_THREADS = min(8, os.cpu_count() or 1)
_FILES_AT_ONCE = 512
_BYTES_AT_ONCE = 1 << 28  # of pixels, where images are so large that fewer files are decoded at once
_HEADS_SAMPLED = 256
_LARGEST_DEFAULT = 224
_STRETCH_WORTH_SAYING = 1.1
_REFUSED_SHARE = 0.1
_FORM = 1  # raise when the decoding changes, so that caches built by the old one are not used


@dataclass(frozen=True, slots=True)
class Decoded:
    """Files as pixels.

    Attributes:
        stored: uint8 (N, C, H, W), mapped from the cache or in memory; one row a file that could be read.
        kept: the indices of these files among those given.
        refused: file and reason of each that could not be read.
        sha256: of all files' contents, in order.
    """

    stored: Tensor
    kept: tuple[int, ...]
    refused: tuple[tuple[str, str], ...]
    sha256: str


def choose_size(files: Sequence[Path], size: str | None) -> tuple[int, int, tuple[str, ...]]:
    """Return the height and width to give all images, and notes on how they were chosen.

    Args:
        files: at least one.
        size: `32x32` or `64`; None takes the median height and width of up to 256 files spread over the listing,
            made smaller in proportion where a side is over 224.

    Raises:
        DataError: the size cannot be read, or no file looked at is an image.
    """
    sampled = files[:: -(-len(files) // _HEADS_SAMPLED)]
    with strict_pillow(), ThreadPoolExecutor(_THREADS) as pool:
        heads = [head for head in pool.map(_read_head, sampled) if head is not None]
    if not heads:
        raise DataError(
            f"none of {len(sampled):,} files looked at can be read as an image, such as {files[0]}",
            expected=f"at most {_REFUSED_SHARE:.0%} of the files unreadable",
            received=f"{files[0]}: {_why_unreadable(files[0])}",
            advice="are they whole, and images indeed?",
        )
    heights, widths = [height for height, _ in heads], [width for _, width in heads]
    if size is not None:
        height, width = parse_size(size)
        return height, width, _stretch_notes(heads, height, width)
    height, width = round(median(heights)), round(median(widths))
    shrink = min(1.0, _LARGEST_DEFAULT / max(height, width))
    height, width = max(1, round(height * shrink)), max(1, round(width * shrink))
    notes = _stretch_notes(heads, height, width)
    if len(set(heads)) > 1 or shrink < 1:
        why = f"the median, made smaller to {_LARGEST_DEFAULT}" if shrink < 1 else "the median"
        between = f"{min(heights)}x{min(widths)} to {max(heights)}x{max(widths)}"
        notes = (f"sizes: images of {between} are made {height}x{width} ({why}; --size chooses another)", *notes)
    return height, width, notes


def decode(files: Sequence[Path], height: int, width: int, channels: int | None) -> Decoded:
    """Decode the files, or map what was decoded before of the same files (names, sizes, times) in the same form.

    Args:
        files: at least one.
        height: to give every image.
        width: to give every image.
        channels: 1 grey, 3 RGB; None takes grey if all images are grey.

    Raises:
        DataError: more than a tenth of the files cannot be read; the cache folder cannot be written, or is too small.
    """
    key = cache.listing_key(files, _FORM, height, width, channels)

    def build(folder: Path) -> dict[str, Any]:
        cache.require_room(len(files) * (channels or 1) * height * width)
        if channels is None:
            try:
                return _Decoding(files, height, width, 1, grey_only=True).write(folder)
            except _ColourFoundError:
                return _Decoding(files, height, width, 3).write(folder)
        return _Decoding(files, height, width, channels).write(folder)

    folder, document = cache.build_once("images", key, build)
    return _decoded(files, cache.map_npy(folder / "images.npy"), document["refused"], document["sha256"])


def decode_new(files: Sequence[Path], height: int, width: int, channels: int) -> Decoded:
    """Decode files to predict on: a few in memory, many by way of the cache.

    Raises:
        DataError: as `decode`.
    """
    if len(files) > _at_once(height, width, channels):
        return decode(files, height, width, channels)
    decoding = _Decoding(files, height, width, channels)
    stored = torch.from_numpy(np.concatenate(list(decoding.chunks())))
    return _decoded(files, stored, decoding.refused, decoding.digest.hexdigest())


def refused_note(refused: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return a note that counts and names the files left out, or nothing."""
    return (f"left out: image files that cannot be read ({len(refused):,}): {_named(refused)}",) if refused else ()


class _ColourFoundError(Exception):
    """An image has colours where only grey was expected."""


@dataclass(slots=True)
class _Decoding:
    """One pass over the files, in chunks that fit into memory."""

    files: Sequence[Path]
    height: int
    width: int
    channels: int
    grey_only: bool = False
    refused: list[tuple[int, str]] = field(default_factory=list)
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def write(self, folder: Path) -> dict[str, Any]:
        """Write images.npy and return what the cache keeps beside it."""
        dimensions = (self.channels, self.height, self.width)
        cache.write_npy(folder / "images.npy", dimensions, self.chunks(), np.uint8)
        return {"refused": self.refused, "sha256": self.digest.hexdigest()}

    def chunks(self) -> Iterator[Pixels]:
        """Yield the pixels of the readable files, uint8 (B, C, H, W)."""
        with strict_pillow(), ThreadPoolExecutor(_THREADS) as pool:
            at_once = _at_once(self.height, self.width, self.channels)
            for start in range(0, len(self.files), at_once):
                numbers = range(start, min(start + at_once, len(self.files)))
                block_BCHW = np.empty((len(numbers), self.channels, self.height, self.width), np.uint8)
                results = list(pool.map(self._decode_one, (self.files[number] for number in numbers), block_BCHW))
                readable = [reason is None for _, reason in results]
                for number, (digest, reason) in zip(numbers, results, strict=True):
                    self.digest.update(digest)
                    if reason is not None:
                        self.refused.append((number, reason))
                self._check_refused(numbers.stop)
                progress.report("decoding images", numbers.stop, len(self.files))
                yield block_BCHW[readable]

    def _decode_one(self, file: Path, pixels_CHW: Pixels) -> tuple[bytes, str | None]:
        """Fill `pixels_CHW` and return the hash of the file's content and why it could not be read, if so."""
        try:
            content = file.read_bytes()
        except OSError as error:
            return b"", error.strerror or str(error)
        digest = hashlib.sha256(content).digest()
        try:
            pixels_CHW[:], coloured = read_image(content, self.height, self.width, self.channels)
        except UnreadableImageError as error:
            return digest, str(error)
        if coloured and self.grey_only:
            raise _ColourFoundError
        return digest, None

    def _check_refused(self, seen: int) -> None:
        """Refuse the folder once it is certain, not before all were seen where few are bad."""
        if len(self.refused) <= _REFUSED_SHARE * len(self.files):
            return
        named = _named([(str(self.files[number]), reason) for number, reason in self.refused])
        if len(self.refused) == seen:
            raise _none_readable(self.files, named)
        raise DataError(
            f"{len(self.refused):,} of the first {seen:,} image files cannot be read: {named}",
            expected=f"at most {_REFUSED_SHARE:.0%} of the {len(self.files):,} files unreadable",
            received=f"{len(self.refused) / len(self.files):.0%} or more",
            advice="repair these files or take them out of the folder",
        )


def _decoded(files: Sequence[Path], stored: Tensor, refused: Sequence[tuple[int, str]], sha256: str) -> Decoded:
    unreadable = {index for index, _ in refused}
    kept = tuple(index for index in range(len(files)) if index not in unreadable)
    return Decoded(stored, kept, tuple((str(files[index]), reason) for index, reason in refused), sha256)


def _at_once(height: int, width: int, channels: int) -> int:
    """Return how many files of so large images are decoded at once."""
    return max(1, min(_FILES_AT_ONCE, _BYTES_AT_ONCE // (height * width * channels)))


def _none_readable(files: Sequence[Path], named: str) -> DataError:
    if len(files) == 1:
        return DataError(
            f"{files[0]} cannot be read as an image",
            expected="an image file",
            received=named.removeprefix(f"{files[0]}: "),
        )
    return DataError(
        f"none of the {len(files):,} image files can be read: {named}",
        expected=f"at most {_REFUSED_SHARE:.0%} of the files unreadable",
        received="all of those tried",
        advice="are they whole, and images indeed?",
    )


def _why_unreadable(file: Path) -> str:
    try:
        read_size(file)
    except UnreadableImageError as error:
        return str(error)
    return "readable"


def _read_head(file: Path) -> tuple[int, int] | None:
    try:
        return read_size(file)
    except UnreadableImageError:
        return None


def _stretch_notes(heads: Sequence[tuple[int, int]], height: int, width: int) -> tuple[str, ...]:
    stretches = [(own_width / own_height) / (width / height) for own_height, own_width in heads]
    stretched = sum(max(stretch, 1 / stretch) > _STRETCH_WORTH_SAYING for stretch in stretches)
    if not stretched:
        return ()
    share = stretched / len(heads)
    return (f"proportions: {share:.0%} of the images have others than {height}x{width} and are stretched",)


def _named(refused: Sequence[tuple[str, str]]) -> str:
    more = f" and {len(refused) - 5:,} more" if len(refused) > 5 else ""
    return "; ".join(f"{file}: {reason}" for file, reason in refused[:5]) + more
