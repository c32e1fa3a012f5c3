"""Hashes: of a source, to notice that it changed; of rows, to find the same sample in two splits."""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

_BYTES_AT_ONCE = 64 << 20  # what is memory-mapped may be larger than memory


def of_file(path: Path) -> str:
    """Return the sha256 of a file's bytes, or of all files in a folder with their names, read as a stream."""
    if path.is_dir():
        digest = hashlib.sha256()
        for file in sorted(file for file in path.rglob("*") if file.is_file()):
            digest.update(f"{file.relative_to(path).as_posix()}\n{of_file(file)}\n".encode())
        return digest.hexdigest()
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def of_tensors(*tensors: Tensor) -> str:
    """Return the sha256 of tensors: their types, shapes and values."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(f"{tensor.dtype} {tuple(tensor.shape)}\n".encode())
        for chunk in tensor.detach().cpu().split(_rows_at_once(tensor)) if tensor.ndim else (tensor,):
            digest.update(np.ascontiguousarray(chunk.numpy()).view(np.uint8).data if chunk.numel() else b"")
    return digest.hexdigest()


def of_rows(inputs: Tensor) -> NDArray[np.uint64]:
    """Return one 64-bit hash a row of `inputs` (N, ...), shape (N,); rows of equal bytes have equal hashes.

    Each 8-byte word is mixed (the finaliser of splitmix64) and the mixed words are summed with odd random weights,
    so that two different rows share a hash with a chance of about 2**-64; no Python work a row.
    """
    hashes = np.empty(len(inputs), dtype=np.uint64)
    step = _rows_at_once(inputs)
    for start in range(0, len(inputs), step):
        chunk = inputs[start : start + step].detach().cpu()
        hashes[start : start + step] = _mixed_sum(_words(chunk.reshape(len(chunk), -1)))
    return hashes


def _rows_at_once(rows: Tensor) -> int:
    bytes_a_row = rows.element_size() * rows[0].numel() if len(rows) else 1
    return max(1, _BYTES_AT_ONCE // max(1, bytes_a_row))


def _words(rows: Tensor) -> NDArray[np.uint64]:
    raw = np.ascontiguousarray(rows.numpy()).view(np.uint8)
    padding = -raw.shape[1] % 8
    if padding:
        raw = np.pad(raw, ((0, 0), (0, padding)))
    return raw.view(np.uint64)


def _mixed_sum(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    mixed = words ^ (words >> np.uint64(30))
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    weights = np.random.default_rng(0).integers(0, 2**64, words.shape[1], dtype=np.uint64) | np.uint64(1)
    hashes: NDArray[np.uint64] = mixed @ weights
    return hashes
