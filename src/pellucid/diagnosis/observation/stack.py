"""Many small tensors in a few large blocks."""

import math
import mmap
from collections.abc import Sequence
from typing import NamedTuple, overload

import torch
from torch import Tensor

BLOCK = 1 << 20
"""Bytes of a block."""
ALIGNMENT = 64
"""Bytes: torch's own, so that what is computed does not depend on where the numbers are kept."""


class _Item(NamedTuple):
    """Where a tensor's bytes are, and how they are read."""

    block: Tensor
    start: int
    stop: int
    dtype: torch.dtype
    shape: tuple[int, ...]


class Stack(Sequence[Tensor]):
    """Copies of tensors, one behind the other, made into tensors again where one is asked for.

    Each by itself would stay where the program's own memory was free just then. The C library finds its way through a
    heap so broken up more slowly, at every step from then on.
    """

    def __init__(self) -> None:
        self._items: list[_Item] = []
        self._free = 0

    def append(self, tensor: Tensor) -> None:
        """Keep a copy of a tensor's numbers."""
        numbers = tensor.detach().reshape(-1)
        size = numbers.numel() * numbers.element_size()
        block = self._items[-1].block if self._items else None
        start = self._free
        if block is None or block.device != tensor.device or start + size > len(block):
            start, block = 0, _block(max(BLOCK, size), tensor.device)
        block[start : start + size].view(tensor.dtype).copy_(numbers)
        self._free = ALIGNMENT * math.ceil((start + size) / ALIGNMENT)
        self._items.append(_Item(block, start, start + size, tensor.dtype, tuple(tensor.shape)))

    @overload
    def __getitem__(self, at: int) -> Tensor: ...
    @overload
    def __getitem__(self, at: slice) -> list[Tensor]: ...
    def __getitem__(self, at: int | slice) -> Tensor | list[Tensor]:
        """Return a tensor, or several: views of what is kept."""
        if isinstance(at, slice):
            return [_read(item) for item in self._items[at]]
        return _read(self._items[at])

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._items)


def _block(size: int, device: torch.device) -> Tensor:
    if device.type == "cpu":
        return torch.frombuffer(mmap.mmap(-1, size), dtype=torch.uint8)  # from the system, and not of the heap
    return torch.empty(size, dtype=torch.uint8, device=device)


def _read(item: _Item) -> Tensor:
    return item.block[item.start : item.stop].view(item.dtype).reshape(item.shape)
