"""What a script under test tells of itself when it ends: its weights and every random state, bit for bit."""

import hashlib
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

random.seed(0)
np.random.seed(0)  # noqa: NPY002 (the stream that scripts use)


def tell(*things: Any) -> None:
    """Print what the numbers of tensors, modules and optimisers hash to, and the state of every random stream."""
    streams = [torch.get_rng_state(), np.random.get_state(), random.getstate()]  # noqa: NPY002
    print("numbers", _hash(things), "random", _hash(streams))  # noqa: T201


def _hash(things: Any) -> str:
    digest = hashlib.sha256()
    for piece in _pieces(things):
        digest.update(piece)
    return digest.hexdigest()[:16]


def _pieces(thing: Any) -> Iterator[bytes]:
    """Yield everything that a nested thing consists of."""
    if isinstance(thing, torch.nn.Module | torch.optim.Optimizer):
        yield from _pieces(thing.state_dict())
    elif isinstance(thing, torch.Tensor):
        plain = thing.detach().to_dense().contiguous().cpu()
        yield f"{type(thing).__name__} {plain.dtype} {tuple(plain.shape)} {thing.requires_grad}".encode()
        yield bytes(plain.reshape(-1).view(torch.uint8).tolist()) if plain.numel() else b""
        yield from _pieces(thing.grad if thing.is_leaf else None)
    elif isinstance(thing, np.ndarray):
        yield thing.tobytes()
    elif isinstance(thing, dict):
        yield from (piece for item in thing.items() for piece in _pieces(item))
    elif isinstance(thing, list | tuple):
        yield from (piece for item in thing for piece in _pieces(item))
    else:
        yield repr(thing).encode()
