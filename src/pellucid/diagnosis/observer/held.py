"""What is kept of the script's own things: no tensor, graph or module lives longer because it was seen."""

import itertools
import weakref
from typing import Any, TypeGuard

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

FEW_NUMBERS = 1 << 18
"""Numbers kept alive from a call until the next one; of more, only what the script keeps itself is looked at."""
SAMPLED = 4_096
"""Numbers kept of a parameter, evenly spread, to compare it with later."""

_KEYS: dict[int, tuple[weakref.ref[Any], int]] = {}
_COUNT = itertools.count(1)


def key_of(thing: Any) -> int:
    """Return a number that is this thing's alone: an `id` is given again when a thing is gone."""
    known = _KEYS.get(id(thing))
    if known is not None and known[0]() is thing:
        return known[1]
    number = next(_COUNT)
    _KEYS[id(thing)] = (weakref.ref(thing), number)
    return number


def is_plain(value: Any) -> TypeGuard[Tensor]:
    """Say whether a value is a tensor with numbers in memory, which can be computed with unnoticed by its class."""
    return (
        isinstance(value, Tensor)
        and type(value).__torch_dispatch__ is Tensor.__torch_dispatch__
        and value.layout is torch.strided
        and value.device.type != "meta"
    )


def is_real(value: Any) -> TypeGuard[Tensor]:
    """Say whether a value is a tensor of real numbers in memory."""
    return is_plain(value) and not value.is_complex()


def number_of(tensor: Tensor) -> int | None:
    """Return the number that autograd gave the operation that made a tensor."""
    node = tensor.grad_fn
    return None if node is None else int(node._sequence_nr())  # noqa: SLF001  nodes themselves would keep graphs alive


def storage_of(values: Tensor) -> StorageWeakRef:
    """Return a reference to the numbers behind a tensor, which does not keep them; its `cdata` is theirs alone."""
    return StorageWeakRef(values.untyped_storage())


class Held:
    """The numbers of a tensor, apart from its graph, as long as there are few or the script keeps them too.

    Attributes:
        shape: of the tensor, with whether it `requires_grad`.
        number: of the operation that made it, and `output` which of its results this is.
    """

    __slots__ = ("_kept", "_place", "_storage", "number", "output", "requires_grad", "shape")

    def __init__(self, tensor: Tensor) -> None:
        self.shape = tuple(tensor.shape)
        self.requires_grad = tensor.requires_grad
        self.number = number_of(tensor)
        self.output = tensor.output_nr
        self._kept: Tensor | None = None
        if tensor.numel() <= FEW_NUMBERS:
            self._kept = tensor.data
        else:
            self._storage = storage_of(tensor)
            self._place = (tensor.dtype, tensor.device, tensor.storage_offset(), tensor.stride())

    def numbers(self) -> Tensor | None:
        """Return the numbers as they are now, if they still are."""
        if self._kept is not None:
            return self._kept
        weak = self._storage.cdata
        storage: Any = torch.UntypedStorage._new_with_weak_ptr(weak)  # noqa: SLF001  as torch itself does
        if storage is None:
            return None
        dtype, device, offset, strides = self._place
        return torch.empty(0, dtype=dtype, device=device).set_(storage, offset, self.shape, strides)


def sample(parameter: Tensor, most: int = SAMPLED) -> Tensor:
    """Return a copy of at most so many numbers, evenly spread."""
    flat = parameter.detach()
    flat = (torch.view_as_real(flat) if flat.is_complex() else flat).reshape(-1)
    if flat.numel() > most:
        flat = flat[:: flat.numel() // most][:most]
    return flat.clone()
