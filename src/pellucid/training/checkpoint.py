"""A session's whole state, or that of several, in one safetensors file, written whole or not at all; no pickle."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from pellucid.errors import RunError
from pellucid.files import from_json_line, to_json_line, write_bytes
from pellucid.training.ranks import parts_of_weights
from pellucid.training.session import Progress, Session

_T = TypeVar("_T")


def save_weights(path: Path, weights: dict[str, Tensor]) -> None:
    """Write a state dict as safetensors; tied tensors are written once a name."""
    write_bytes(path, save({name: tensor.contiguous().clone() for name, tensor in weights.items()}))


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read what `save_weights` wrote, onto the CPU.

    Raises:
        RunError: the file is missing or damaged.
    """
    return _read(path)[0]


def save_checkpoint(path: Path, session: Session) -> dict[str, Tensor]:
    """Write all that `restore` needs: weights, best weights, the optimiser's state and the counters.

    Returns:
        The weights to use: the best, and before any was judged the present ones.
    """
    tensors, described = state_of(session)
    _write(path, tensors, described)
    best, present = (_under(prefix, tensors) for prefix in ("best.", "network."))
    return best or present


def restore(session: Session, path: Path) -> None:
    """Put a fresh session of the same make into the state a checkpoint holds.

    Raises:
        RunError: the file is missing or damaged, or belongs to another network.
    """
    restore_some({"": session}, path)


def save_checkpoints(path: Path, sessions: Mapping[str, Session]) -> None:
    """Write the state of several sessions into one file, each under its name: all are of one moment."""
    tensors: dict[str, Tensor] = {}
    described: dict[str, str] = {}
    for name, session in sessions.items():
        state, counters = state_of(session)
        tensors |= {f"{_prefix(name)}{key}": tensor for key, tensor in state.items()}
        described |= {f"{_prefix(name)}{key}": text for key, text in counters.items()}
    _write(path, tensors, described)


def restore_some(sessions: Mapping[str, Session], path: Path) -> None:
    """Put fresh sessions into the states that a checkpoint holds under their names.

    Raises:
        RunError: the file is missing or damaged, or belongs to another network.
    """
    if not sessions:
        return
    tensors, described = _read(path)
    for name, session in sessions.items():
        prefix = _prefix(name)
        put(session, _under(prefix, tensors), _under(prefix, described), str(path))


def names_in(path: Path) -> set[str]:
    """Return the names of the sessions in a file that `save_checkpoints` wrote; none where there is no file.

    Raises:
        RunError: the file is damaged.
    """
    if not path.exists():
        return set()
    _, described = _read(path)
    return {key.removesuffix(".progress") for key in described if key.endswith(".progress")}


def _prefix(name: str) -> str:
    return f"{name}." if name else ""


def _under(prefix: str, named: Mapping[str, _T]) -> dict[str, _T]:
    return {key.removeprefix(prefix): value for key, value in named.items() if key.startswith(prefix)}


def _write(path: Path, tensors: Mapping[str, Tensor], described: dict[str, str]) -> None:
    write_bytes(path, save({name: t.detach().contiguous().clone() for name, t in tensors.items()}, described))


def state_of(session: Session) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return a session's tensors, which go on changing with it, and its counters as JSON.

    Of a network that is shared out all ranks have to ask, and the first has the tensors.
    """
    tensors = {f"network.{name}": t for name, t in session.network.state_dict().items()}
    tensors |= {f"best.{name}": t for name, t in session.best_weights.items()}
    tensors |= {f"carried.{name}": t for name, t in session.carried.items()}
    state = {} if session.optimizer is None else session.optimizer.state_dict()["state"]
    scalars: dict[str, Any] = {}
    for index, entries in state.items():
        for name, value in entries.items():
            key = f"optimizer.{index}.{name}"
            if isinstance(value, Tensor):
                tensors[key] = value
            elif value is not None:
                scalars[key] = value
    if session.together is not None:
        tensors = session.together(tensors)
    return tensors, {
        "progress": to_json_line(dataclasses.asdict(session.progress)),
        "scalars": json.dumps(scalars),
        "scaler": json.dumps(session.scaler.state_dict()),
    }


def put(session: Session, tensors: Mapping[str, Tensor], described: Mapping[str, str], source: str) -> None:
    """Put a session of the same make into a state that `state_of` gave.

    Args:
        session: becomes what it was then.
        tensors: of the state, which the session may keep.
        described: its counters.
        source: where the state is from, as it is called where it does not fit.

    Raises:
        RunError: it belongs to another network.
    """
    groups: dict[str, dict[str, Any]] = {"network": {}, "best": {}, "carried": {}, "optimizer": {}}
    for key, tensor in tensors.items():
        group, _, name = key.partition(".")
        groups[group][name] = tensor
    scalars = json.loads(described["scalars"])
    state: dict[int, dict[str, Any]] = {}
    for key, value in (*groups["optimizer"].items(), *((k.partition(".")[2], v) for k, v in scalars.items())):
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = value
    try:
        session.network.load_state_dict(groups["network"])
    except RuntimeError as error:
        raise RunError(f"{source} belongs to another network", received=str(error)) from None
    if session.optimizer is not None:
        session.optimizer.load_state_dict({**session.optimizer.state_dict(), "state": state})
    session.scaler.load_state_dict(json.loads(described["scaler"]))
    # what is to be shared out is never whole on a device
    device = session.device.device if parts_of_weights(shard=session.recipe.shard) == 1 else "cpu"
    session.best_weights = {name: t.to(device) for name, t in groups["best"].items()}
    session.carried = {name: t.to(session.device.device) for name, t in groups["carried"].items()}
    progress = from_json_line(described["progress"])
    best = progress.pop("best")
    session.progress = Progress(**progress, best=None if best is None else tuple(best))


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118 (no dict)
    except FileNotFoundError:
        raise RunError(f"{path} is missing", advice="was the training stopped before its first checkpoint?") from None
    except SafetensorError as error:
        raise RunError(f"{path} is damaged", expected="a safetensors file", received=str(error)) from None
