"""Which device trains, with which arithmetic and how many threads."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from pellucid.errors import OptionError
from pellucid.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Device:
    """Where and how a network computes."""

    device: torch.device
    autocast_dtype: torch.dtype | None

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """Return the context in which the network's forward pass runs."""
        if self.autocast_dtype is None:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, self.autocast_dtype)


def choose_device(recipe: Recipe) -> Device:
    """Return the device the recipe names, or the fastest there.

    Raises:
        OptionError: the device does not exist here, or cannot compute at the precision asked for.
    """
    device = _fastest() if recipe.device == "auto" else _named(recipe.device)
    if recipe.precision == "fp16" and device.type == "cpu":
        raise OptionError("a CPU cannot train in fp16", expected="float32 or bf16", received="fp16")
    if recipe.precision == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise OptionError("this GPU has no bf16 arithmetic", expected="float32 or fp16", received="bf16")
    dtypes = {"float32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
    return Device(device, dtypes[recipe.precision])


@contextlib.contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Compute with `count` CPU threads inside (None: as many as torch has set), and restore the number after."""
    before = torch.get_num_threads()
    try:
        if count is not None:
            torch.set_num_threads(count)
        yield
    finally:
        torch.set_num_threads(before)


def _fastest() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def _named(name: str) -> torch.device:
    here = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    here += ["mps"] if torch.backends.mps.is_available() else []
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    full_name = "" if device is None else f"{device.type}:{device.index or 0}" if device.type == "cuda" else device.type
    if device is None or full_name not in here:
        raise OptionError(
            f"there is no device '{name}' here",
            expected="auto or one of " + ", ".join(here),
            received=name,
            advice="for a GPU, install PyTorch's CUDA build (see the README)" if name.startswith("cuda") else "",
        )
    return device
