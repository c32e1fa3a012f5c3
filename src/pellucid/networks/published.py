"""Weights of the same network made elsewhere, such as torchvision's, under our names."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from pellucid.errors import NotationError


def renamed(
    weights: Mapping[str, Tensor], network: nn.Module, layers: Sequence[str] | None = None
) -> dict[str, Tensor]:
    """Return a state dict for a network from one with other names, whose layers stand in the same order.

    Inside a layer tensors are told apart by their own names (weight, bias, running_mean), which may stand in any order.

    >>> from pellucid.networks import build
    >>> theirs = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3))
    >>> ours = build("9x9x3 -> conv(8, 3x3) -> relu -> conv(8, 3x3)")
    >>> list(renamed(theirs.state_dict(), ours))
    ['conv1.weight', 'conv1.bias', 'conv2.weight', 'conv2.bias']
    >>> ours.load_state_dict(renamed(theirs.state_dict(), ours))
    <All keys matched successfully>

    Args:
        weights: such as those of torchvision's resnet50, for `resnet50(form=published)`.
        network: whose names they are to have.
        layers: the names of their layers in the network's order, where they stand in another, as the tensors of a
            safetensors file do.

    Raises:
        NotationError: the layers, or the tensors of one, are not the network's.
    """
    own = network.state_dict()
    ours, theirs = _layers(own), _layers(weights)
    if layers is not None:
        theirs = _in_order(theirs, layers)
    if len(ours) != len(theirs):
        raise NotationError(
            "these are the weights of another network",
            expected=f"{len(ours)} layers with weights",
            received=f"{len(theirs)}",
        )
    named = {}
    for (name, parts), (their_name, their_parts) in zip(ours.items(), theirs.items(), strict=True):
        for part in parts:
            key = f"{name}.{part}"
            if part == "num_batches_tracked" and part not in their_parts:  # files older than that counter
                named[key] = torch.zeros_like(own[key], device="cpu")
                continue
            found = their_parts.get(part)
            if found is None or found.shape != own[key].shape:
                raise NotationError(
                    "these are the weights of another network",
                    expected=f"{key} of {tuple(own[key].shape)}",
                    received=f"{their_name}.{part} of {tuple(found.shape)}" if found is not None else their_name,
                    advice="the zoo's form=published has the layers of torchvision's weights",
                )
            named[key] = found
    return named


def _in_order(theirs: dict[str, dict[str, Tensor]], layers: Sequence[str]) -> dict[str, dict[str, Tensor]]:
    """Return layers in the order of their names.

    Raises:
        NotationError: one of them is missing, or there are others.
    """
    other = [layer for layer in layers if layer not in theirs] or [layer for layer in theirs if layer not in layers]
    if other:
        raise NotationError(
            "these are the weights of another network",
            expected=f"{'a' if other[0] in layers else 'no'} layer {other[0]}",
            received=", ".join(list(theirs)[:8]) + (", ..." if len(theirs) > 8 else ""),
        )
    return {layer: theirs[layer] for layer in layers}


def _layers(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Return the tensors of a state dict by layer, in the order the layers first appear."""
    layers: dict[str, dict[str, Tensor]] = {}
    for name, tensor in state.items():
        layer, _, part = name.rpartition(".")
        layers.setdefault(layer, {})[part] = tensor
    return layers
