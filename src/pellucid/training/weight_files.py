"""Files of weights from anywhere: safetensors, and `.pth` as `torch.save` writes it, of which nothing is run."""

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from pellucid.errors import RunError

_KEPT_UNDER = ("state_dict", "model_state_dict", "model", "weights")
"""What training scripts call the weights in a file that holds more, such as the optimiser's state."""

_WRAPPERS = ("module.", "_orig_mod.")
"""What DataParallel, DistributedDataParallel and torch.compile put before every name."""

_ASKED_FOR = re.compile(r"GLOBAL ([\w.]+)")


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, str] | None]:
    """Return the tensors of a file by name, on the CPU, and what a safetensors file tells of them.

    None is told by a pickle, which keeps the tensors in the order they were saved in; safetensors has its own.

    A pickle is read with PyTorch's own unpickler for weights, which builds tensors and containers and calls nothing
    else (`weights_only=True`). Weights that stand under a name of their own beside other things are found, and what
    wrappers put before every name is taken away.

    Args:
        path: a safetensors file, or one that `torch.save` wrote; its content says which, whatever its ending.

    Raises:
        RunError: it is no such file, is damaged, holds no weights, or holds more than a file of weights may.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
        is_safetensors = head[8:9] == b"{"  # 8 bytes of length, then JSON
        found, told = _of_safetensors(path) if is_safetensors else (_of_pickle(path, head), None)
    except OSError as error:
        raise RunError(f"{path} cannot be read", received=error.strerror or str(error)) from None
    weights = _weights_in(path, found)
    for wrapper in _WRAPPERS:
        if all(name.startswith(wrapper) for name in weights):
            weights = {name.removeprefix(wrapper): tensor for name, tensor in weights.items()}
    return weights, told


def _of_safetensors(path: Path) -> tuple[object, dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118 (no dict)
    except SafetensorError as error:
        raise _damaged(path, error) from None


def _of_pickle(path: Path, head: bytes) -> object:
    try:
        with warnings.catch_warnings(action="ignore"):  # of pickles that are refused in the end
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        asked = _ASKED_FOR.search(str(error))
        if not asked and not head.startswith(pickle.PROTO):
            raise _damaged(path, error) from None
        raise RunError(
            f"{path} holds more than weights",
            expected="tensors by name, as torch.save(model.state_dict(), path) writes them",
            received=f"a pickle that asks for {asked[1]}" if asked else "a pickle of objects",
            advice="a pickle can run code when it is read and is refused; if you trust it, load it in a program of "
            "your own and save its state_dict() with safetensors.torch.save_file",
        ) from None
    except Exception as error:  # readers of damaged files raise whatever they stumble over
        raise _damaged(path, error) from error


def _weights_in(path: Path, found: object) -> dict[str, Tensor]:
    """Return the tensors by name among what a file holds.

    Raises:
        RunError: there are none.
    """
    held = found
    if isinstance(found, Mapping):
        under = next((name for name in _KEPT_UNDER if isinstance(found.get(name), Mapping)), None)
        held = found if under is None else found[under]
    if not isinstance(held, Mapping) or not held:
        raise _without_weights(path, "nothing" if isinstance(held, Mapping) else f"a {type(held).__name__}")
    weights = {name: tensor.detach() for name, tensor in held.items() if isinstance(tensor, Tensor)}
    if len(weights) < len(held) or not all(isinstance(name, str) and tensor.layout == torch.strided
                                           for name, tensor in weights.items()):  # fmt: skip
        raise _without_weights(path, ", ".join(f"{name}: {type(each).__name__}" for name, each in held.items())[:160])
    return weights


def _without_weights(path: Path, received: str) -> RunError:
    return RunError(
        f"{path} holds no weights that could be begun with",
        expected="tensors by name, as model.state_dict() gives them",
        received=received,
    )


def _damaged(path: Path, error: Exception) -> RunError:
    return RunError(
        f"{path} is no file of weights, or is damaged",
        expected="a .safetensors file, or a .pth file of torch.save",
        received=f"{type(error).__name__}: {str(error).strip().partition('.')[0]}",
        advice="fetch it again",
    )
