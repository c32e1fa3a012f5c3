"""Arrays to a network's input as in training. Needs numpy and torch, not pellucid.

    names, inputs = read("new.npz", json.loads(Path("preprocessing.json").read_text())["input"])

Reads an array of one or many samples, a `.npy` file, or a `.npz` file: its array called x, inputs, data, images or
features (or x_test, ...), or its only one. What training could not have seen is a ValueError.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

INPUTS = ("x", "inputs", "input", "data", "images", "features")
TEST = ("{}_test", "test_{}", "{}test", "test{}")
AXES = {"scalars": 1, "features": 2, "sequences": 3, "grey images": 3}  # of many samples; else 4
FARTHEST = 1e15  # standard deviations


def read(source: Any, description: Mapping[str, Any]) -> tuple[list[str], torch.Tensor]:
    """Return a name and the network's input for each sample: (x - mean) / scale of each feature or channel."""
    array = _opened(Path(source)) if isinstance(source, str | Path) else np.asarray(source)
    layout, dimensions = description["layout"], tuple(description["dimensions"])
    axes = AXES.get(layout, 4)
    raw = torch.from_numpy(np.ascontiguousarray(array[None] if array.ndim == axes - 1 else array))
    precision = getattr(torch, description.get("precision", "float32"))
    stored = _arranged(raw, layout).to(precision) if raw.ndim == axes else raw
    if tuple(stored.shape[1:]) != dimensions or not len(stored):
        raise ValueError(f"these are no samples of {dimensions} ({layout}), as in training: {tuple(array.shape)}")
    # channels of (N, C, H, W), features of (N, F) and (N, T, F)
    axis = 1 if stored.ndim == 4 else stored.ndim - 1
    along = [-1 if place == axis else 1 for place in range(stored.ndim)]
    mean, scale = (torch.tensor(description[name], dtype=precision).reshape(along) for name in ("mean", "scale"))
    inputs = ((stored - mean) / scale).float()
    if not float(inputs.abs().max()) <= FARTHEST:  # so written that NaN is refused too
        raise ValueError("some inputs are not finite, or too far from those of training")
    return [f"sample {number}" for number in range(len(inputs))], inputs


def _opened(path: Path) -> np.ndarray:
    found = np.load(path, allow_pickle=False)
    if isinstance(found, np.ndarray):
        return found
    by_name: dict[str, np.ndarray] = {name.lower(): found[name] for name in found.files}
    names = [*INPUTS, *(form.format(name) for form in TEST for name in INPUTS)]
    called = [name for name in names if name in by_name]
    if not called and len(by_name) != 1:
        raise ValueError(f"{path} has no array called {', '.join(INPUTS)}, but {', '.join(by_name) or 'none'}")
    return by_name[called[0]] if called else next(iter(by_name.values()))


def _arranged(array: torch.Tensor, layout: str) -> torch.Tensor:
    match layout:
        case "scalars" | "grey images":
            return array[:, None]
        case "channels last":
            return array.permute(0, 3, 1, 2)
    return array
