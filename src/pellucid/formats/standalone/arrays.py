"""Arrays to a network's input as in training. Needs numpy and torch, not pellucid.

    names, inputs = read("new.npz", json.loads(Path("preprocessing.json").read_text())["input"])

Reads a `.npy` file, a `.npz` file (its array `x`, or its first), or an array of samples.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch


def read(source: str | Path | np.ndarray, description: Mapping[str, Any]) -> tuple[list[str], torch.Tensor]:
    """Return a name and the network's input for each sample: (x - mean) / scale of each feature or channel."""
    array = _opened(Path(source)) if isinstance(source, str | Path) else np.asarray(source)
    stored = _arranged(torch.from_numpy(np.ascontiguousarray(array)), description["layout"]).to(torch.float32)
    expected = tuple(description["dimensions"])
    if tuple(stored.shape[1:]) != expected:
        raise ValueError(
            f"samples of {expected} expected ({description['layout']}), received {tuple(stored.shape[1:])}"
        )
    # channels of (N, C, H, W), features of (N, F) and (N, T, F)
    axis = 1 if stored.ndim == 4 else stored.ndim - 1
    along = [-1 if place == axis else 1 for place in range(stored.ndim)]
    mean, scale = (torch.tensor(description[name]).reshape(along) for name in ("mean", "scale"))
    return [f"sample {number}" for number in range(len(stored))], (stored - mean) / scale


def _opened(path: Path) -> np.ndarray:
    found = np.load(path, allow_pickle=False)
    if isinstance(found, np.ndarray):
        return found
    by_name: dict[str, np.ndarray] = {name.lower(): found[name] for name in found.files}
    return by_name.get("x", next(iter(by_name.values())))


def _arranged(array: torch.Tensor, layout: str) -> torch.Tensor:
    match layout:
        case "scalars" | "grey images":
            return array[:, None]
        case "channels last":
            return array.permute(0, 3, 1, 2)
    return array
