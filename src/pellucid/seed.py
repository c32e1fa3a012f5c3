"""Reproducibility: every random choice is a function of the run's seed and the name of what it is for.

No stream is shared, so nothing depends on the order in which things are drawn: the batch order of epoch 7 is
the same whether epochs 1 to 6 ran in this process or in one that was killed.
"""

import contextlib
import hashlib
from collections.abc import Iterator

import torch


def derive(seed: int, *names: str | int) -> int:
    """Return the seed (63 bits) of the stream `names` of the run's `seed`.

    >>> derive(0, "order", 1) == derive(0, "order", 1) != derive(0, "order", 2)
    True
    """
    text = "/".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(seed: int, *names: str | int, device: str | torch.device = "cpu") -> torch.Generator:
    """Return a fresh generator for the stream `names` of the run's `seed`."""
    return torch.Generator(device=device).manual_seed(derive(seed, *names))


@contextlib.contextmanager
def isolated() -> Iterator[None]:
    """Leave the caller's global random state as it was: what runs inside seeds torch's generators freely."""
    with torch.random.fork_rng():
        yield


def seed_torch(seed: int, *names: str | int) -> None:
    """Seed torch's global generators (initial weights, dropout) with the stream `names` of the run's `seed`."""
    begin_streams(derive(seed, *names))


def begin_streams(value: int) -> None:
    """Seed torch's global generators with a number itself.

    What `torch.manual_seed` does, less the traceback it records for devices that are not in use: that costs more than
    a small network's forward pass, and this is called at every step.
    """
    torch.default_generator.manual_seed(value)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(value)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(value)
