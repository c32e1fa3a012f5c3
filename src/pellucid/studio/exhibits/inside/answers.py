"""What the network says of the image, and what of the image its answer, or one unit, rests on."""

from collections.abc import Generator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from pellucid.data import Classes, Labels, Target, Values
from pellucid.errors import PellucidError
from pellucid.explain import saliency
from pellucid.explain.seeing.attribution import InPieces, integrating, occluding
from pellucid.formats.trained import Meaning
from pellucid.studio.exhibit import finite
from pellucid.studio.exhibits.inside.reading import Layer, UpTo

STEPS = 32
"""Of the sum that integrated gradients are."""
_PATCHES = 8
"""Patches that cover an image's side."""


def answer(output: Tensor, target: Target | None) -> dict[str, Any]:
    """Return the outputs and what they mean: chances of classes or labels, values in their own unit, or a picture.

    A module that came without data, and gives several numbers, is taken for one that tells classes apart.
    """
    if output.ndim != 2:
        return {"meaning": "picture", "names": [], "outputs": [], "said": []}
    names: tuple[str, ...] = getattr(target, "names", ())
    if len(names) != output.shape[1]:
        names = tuple(map(str, range(output.shape[1])))
    if target is None and output.shape[1] > 1:
        target = Classes(names)
    meaning = {Classes: "classes", Labels: "labels", Values: "values"}.get(type(target), "outputs")
    said = Meaning(target)(output)[0] if target is not None and meaning != "outputs" else output[0]
    return {
        "meaning": meaning,
        "names": list(names),
        "outputs": [finite(each) for each in output[0].tolist()],
        "said": [finite(each) for each in said.tolist()],
        "powers": [finite(each) for each in output[0].double().exp().tolist()] if meaning == "classes" else [],
    }


def attributed(
    network: nn.Module, x: Tensor, target: int | None, method: str
) -> Generator[float, None, dict[str, Any]]:
    """Return what the parts of an image have to do with an output, (H, W), and the numbers that belong to it.

    Channels are summed; covering a place covers all of them, so there each says the same. It is computed while it is
    iterated over, which gives the share that is done.
    """
    try:
        found = yield from _attributed(network, x, target, method)
    except PellucidError:
        return {}  # outputs that are not K numbers
    whole = found.values[0]
    shown = whole.mean(0) if method == "occlusion" else whole.sum(0)
    output = float(found.outputs[0])
    told: dict[str, Any] = {
        "map": shown.numpy(), "target": int(found.chosen[0]), "output": finite(output), "method": method,
    }  # fmt: skip
    if found.error is not None:
        total = float(whole.sum())
        told |= {"total": finite(total), "start": finite(output - total + float(found.error[0]))}
    if method == "occlusion":
        told["patch"] = _patch(x)
    return told


def _attributed(network: nn.Module, x: Tensor, target: int | None, method: str) -> InPieces:
    match method:
        case "integrated":
            return (yield from integrating(network, x, target, steps=STEPS))
        case "occlusion":
            patch = _patch(x)
            stride = [max(1, side // 2) for side in patch]
            return (yield from occluding(network, x, target, patch=patch, stride=stride))
    return saliency(network, x, target)


def _patch(x: Tensor) -> list[int]:
    return [max(2, side // _PATCHES) if side > 1 else 1 for side in x.shape[2:]]


def looked_at(network: nn.Module, layer: Layer, x: Tensor, unit: int) -> npt.NDArray[Any]:
    """Return ∂unit/∂x summed over the image's channels, (H, W): what one unit of a layer looks at."""
    with torch.enable_grad():
        found = saliency(UpTo(network, layer.name, layer.time), x, unit)
    return np.asarray(found.values[0].sum(0).numpy())
