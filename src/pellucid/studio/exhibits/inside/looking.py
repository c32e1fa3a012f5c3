"""What a frame says of a reading: the overview, the layer that is looked at, and the unit."""

from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from pellucid.explain import kernels
from pellucid.explain.landscape.objective import evaluating
from pellucid.studio.exhibit import finite
from pellucid.studio.exhibits.inside import picture
from pellucid.studio.exhibits.inside.making import Made, made, operation_of
from pellucid.studio.exhibits.inside.reading import Layer, Reading

Array = npt.NDArray[Any]
_LARGE = ("inputs", "kernels", "partial", "rest")
"""Of what a map is made of, those that are pictures; the window's numbers travel as they are."""


def overview(reading: Reading) -> tuple[list[dict[str, Any]], dict[str, Array]]:
    """Return every layer's name, shape and cost, and some of its maps as bytes."""
    most = picture.per_layer(len(reading.layers))
    told, arrays = [], {}
    for place, layer in enumerate(reading.layers):
        arrays[f"small{place}"], size = picture.small(layer.output, most)
        told.append({
            "name": layer.name, "kind": type(layer.module).__name__, "shape": list(layer.shape), "size": size,
            "parameters": sum(each.numel() for each in layer.module.parameters(recurse=False)),
            "sources": list(layer.sources),
        })  # fmt: skip
    return told, arrays


def strongest(layer: Layer, channel: int) -> tuple[int, int]:
    """Return row and column of the unit of a map that responds most."""
    if len(layer.shape) < 3:
        return 0, 0
    row, column = np.unravel_index(int(np.nanargmax(_finite(layer, channel))), layer.shape[1:])
    return int(row), int(column)


def _finite(layer: Layer, channel: int) -> Array:
    numbers: Array = np.nan_to_num(layer.output[0, channel].numpy(), nan=-np.inf)
    return numbers


def at_layer(network: nn.Module, layer: Layer, channel: int) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return what a layer computes, in a formula, and all its maps (as many as are shown), or its numbers."""
    with evaluating(network):
        call = operation_of(layer)
    given = layer.output[0].numpy()
    first = min(channel // picture.MOST_LARGE * picture.MOST_LARGE, len(given) - 1)
    block = given[first : first + picture.MOST_LARGE]
    maps = picture.within(block) if given.ndim == 3 else block.astype(np.float32)
    values = {
        "formula": call.operation.forward_formula.latex if call is not None else "",
        "field": "" if layer.seen is None else str(layer.seen.field),
        "first": first, "settings": _settings(layer.module), "size": picture.largest(given),
        "low": finite(float(given.min())), "high": finite(float(given.max())),
    }  # fmt: skip
    return values, {"maps": maps, **_weights(network, layer, first)}


def _weights(network: nn.Module, layer: Layer, first: int) -> dict[str, Array]:
    """Return what each map or unit weighs its input with, where that is one map: a picture each."""
    module = layer.module
    shape = layer.maps if isinstance(module, nn.Linear) else None
    reads = module.weight.shape[1] if isinstance(module, nn.Conv2d) else shape[0] if shape is not None else 0
    if reads != 1:
        return {}
    found = kernels(network, layer.name, shape).weights[first : first + picture.MOST_LARGE, 0]
    return {"weights": picture.within(found.numpy())}


def at_unit(
    network: nn.Module, reading: Reading, place: int, channel: int, at: tuple[int, int]
) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return how the unit came about, what follows of it, and what of the image it can see."""
    layer = reading.layers[place]
    with evaluating(network):
        found: Made = made(layer, channel, *at)
        then = _then(reading, place, channel, at)
    index = (0, channel, *at) if len(layer.shape) == 3 else (0, channel)
    values = {
        "sort": found.sort, "made": found.values, "row": at[0], "column": at[1], "then": then,
        "value": finite(float(layer.output[index])), "box": layer.box(*at),
        "sizes": {name: list(each.shape) for name, each in found.arrays.items()},
    }  # fmt: skip
    arrays = {}
    for name, each in found.arrays.items():
        is_large = name in _LARGE and each.ndim == 3
        numbers = each if each.dtype == bool else each.astype(np.float32)
        arrays[f"made.{name}"] = picture.within(each) if is_large else numbers
    if len(layer.shape) == 3:
        arrays["map"] = picture.within(layer.output[0, channel : channel + 1].numpy())
    return values, arrays


def _then(reading: Reading, place: int, channel: int, at: tuple[int, int]) -> dict[str, Any] | None:
    """Return the function that is applied to the unit next, where what follows is one."""
    for layer in reading.layers[place + 1 : place + 3]:
        if layer.sources == (place,) and layer.output.shape == reading.layers[place].output.shape:
            found = made(layer, channel, *at)
            if found.sort == "curve":
                index = (0, channel, *at) if len(layer.shape) == 3 else (0, channel)
                return {"name": layer.name, "formula": found.values["formula"],
                        "value": finite(float(layer.output[index]))}  # fmt: skip
    return None


def _settings(module: nn.Module) -> dict[str, Any]:
    """Return what the size of a layer's output follows from, where it slides a window."""
    found = {}
    for name in ("kernel_size", "stride", "padding", "dilation", "groups"):
        value = getattr(module, name, None)
        if isinstance(value, int | str) or (isinstance(value, tuple) and len(value) == 2):
            found[name] = list(value) if isinstance(value, tuple) else value
    return found
