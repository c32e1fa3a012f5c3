"""Weights set by hand: noted in the settings with their moment, and set again there whenever training comes by."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from pellucid.studio.exhibits.playground.settings import Edit, SetByHand, SetWeight

BIAS = -1
Weights = tuple[SetByHand, ...]


def noted(weights: Weights, moment: int, action: SetWeight) -> Weights:
    """Return the weights with one more, in the order of their moments; the same one twice in a moment is one."""
    place = (moment, action.layer, action.unit, BIAS if action.source is None else action.source)
    return tuple(sorted((*(each for each in weights if each[:4] != place), (*place, action.value))))


def existing(weights: Weights, layers: Sequence[nn.Linear]) -> Weights:
    """Return those that such layers have."""
    return tuple(each for each in weights if _exists(each, layers))


def set_again(weights: Iterable[SetByHand], moment: int, layers: Sequence[nn.Linear]) -> None:
    """Put the numbers of a moment into the layers."""
    with torch.no_grad():
        for when, layer, unit, source, value in weights:
            if when == moment:
                tensor, place = _of(layers[layer], unit, source)
                assert tensor is not None, "only existing weights are kept"
                tensor[place] = value


def moved(weights: Weights, edit: Edit) -> Weights:
    """Return the weights where a hidden layer that came or went has left them; others have new inputs and are gone."""
    match edit.what:
        case "add_layer":
            return tuple((when, at + (at > edit.layer), *rest) for when, at, *rest in weights)  # type: ignore[misc]
        case "remove_layer":
            kept = (each for each in weights if each[1] not in (edit.layer, edit.layer + 1))
            return tuple((when, at - (at > edit.layer), *rest) for when, at, *rest in kept)  # type: ignore[misc]
    return weights


def _of(layer: nn.Linear, unit: int, source: int) -> tuple[Tensor | None, tuple[int, ...]]:
    return (layer.bias, (unit,)) if source == BIAS else (layer.weight, (unit, source))


def _exists(weight: SetByHand, layers: Sequence[nn.Linear]) -> bool:
    _, layer, unit, source, _ = weight
    if layer >= len(layers):
        return False
    tensor, place = _of(layers[layer], unit, source)
    return tensor is not None and all(at < size for at, size in zip(place, tensor.shape, strict=True))
