"""What the units of a network respond to: feature maps, kernels, and the samples that excite a unit most.

Shape letters: B samples of a batch, C channels, O kernels, M samples shown.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pellucid.chart import Tile, Tiles
from pellucid.data import Dataset, SplitName
from pellucid.errors import DataError, OptionError
from pellucid.explain.layers.activations import activations_over, by_unit, layer_named, listening

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)
_COLUMNS = 8


@dataclass(frozen=True, slots=True)
class FeatureMaps:
    """What a convolution gives.

    Attributes:
        layer: its name.
        maps: (B, C, H, W), or of a sequence (B, C, L).
    """

    layer: str
    maps: Tensor


@dataclass(frozen=True, slots=True)
class Kernels:
    """What the units of a layer read with.

    Attributes:
        layer: its name.
        weights: (O, C, H, W).
    """

    layer: str
    weights: Tensor


@dataclass(frozen=True, slots=True)
class Activating:
    """The samples that excite a unit most, the most exciting first.

    Attributes:
        layer, unit: which.
        rows: of the data, int64 (M,).
        activations: the largest at any place of the sample, (M,).
        inputs: prepared, (M, ...).
    """

    layer: str
    unit: int
    rows: Tensor
    activations: Tensor
    inputs: Tensor


@torch.no_grad()
def feature_maps(network: nn.Module, inputs: Tensor) -> tuple[FeatureMaps, ...]:
    """Return what every convolution gives for a batch of inputs, in the order in which they compute.

    Raises:
        DataError: the network has no convolution.
    """
    names = [name for name, layer in network.named_modules() if isinstance(layer, _CONVOLUTIONS)]
    if not names:
        raise DataError("this network has no feature maps", expected="a network with convolutions", received="none")
    with listening(network, names) as calls:
        network(inputs)
    return tuple(FeatureMaps(call.name, call.tensor) for call in calls)


def kernels(network: nn.Module, layer: str | None = None, shape: tuple[int, ...] | None = None) -> Kernels:
    """Return the kernels of a layer as pictures.

    Args:
        network: any.
        layer: its name; by default the first convolution, which alone reads pixels.
        shape: of a fully connected layer's inputs, (H, W) or (C, H, W): its rows are pictures, too.

    Raises:
        OptionError: no such layer, or its weights are no pictures.
    """
    found = _first_convolution(network) if layer is None else layer
    weights = getattr(layer_named(network, found), "weight", None)
    if isinstance(weights, Tensor) and weights.ndim == 4:
        return Kernels(found, weights.detach().clone())
    if not isinstance(weights, Tensor) or weights.ndim != 2 or weights.shape[1] != math.prod(shape or ()):
        raise OptionError(
            f"the weights of '{found}' are no pictures",
            expected="a convolution of images, or a fully connected layer and the shape of its inputs",
            received="no weights" if weights is None else f"weights of shape {tuple(weights.shape)}, shape {shape}",
        )
    assert shape is not None
    return Kernels(found, weights.detach().clone().view(len(weights), *(1,) * (3 - len(shape)), *shape))


def activating_samples(
    network: nn.Module, data: Dataset, layer: str, unit: int, *, split: SplitName = "train", count: int = 9
) -> Activating:
    """Return the samples of a split that excite a unit most: those with the largest activation at any place.

    Args:
        network: any that takes the data's prepared inputs.
        data: is gone through in batches.
        layer: its name; behind an activation what the next layer sees, before it what the unit weighs.
        unit: a channel of a convolution, else a feature.
        split: which rows.
        count: how many at most.

    Raises:
        OptionError: there is no such layer or unit.

    Source: Girshick et al. 2014, Rich feature hierarchies for accurate object detection, section 3.1.
    """
    module = layer_named(network, layer)
    rows, best = torch.empty(0, dtype=torch.int64), torch.empty(0)
    for rows_B, given in activations_over(network, data, layer, data.rows[split]):
        units = by_unit(module, given)
        if not 0 <= unit < units.shape[1]:
            raise OptionError(
                f"'{layer}' has no such unit", expected=f"0 to {units.shape[1] - 1}", received=str(unit)
            )  # fmt: skip
        rows = torch.cat([rows, rows_B])
        best = torch.cat([best, units[:, unit].amax(1).float().cpu()])
        kept = best.argsort(descending=True, stable=True)[:count]
        rows, best = rows[kept], best[kept]
    return Activating(layer, unit, rows, best, data.batch(rows)[0])


def feature_map_tiles(found: FeatureMaps, sample: int = 0, most: int = 16) -> Tiles:
    """Return a layer's maps of one sample as pictures."""
    maps = found.maps[sample, :most]
    shown = maps[:, None] if maps.ndim == 2 else maps
    return Tiles(
        title=f"Feature maps of {found.layer}",
        detail=f"{len(shown)} of {found.maps.shape[1]} channels; blue above 0, orange below",
        says=f"The maps of {found.layer} lie between {float(shown.min()):.3g} and {float(shown.max()):.3g}.",
        tiles=[Tile(caption=str(place), values=one.tolist()) for place, one in enumerate(shown)],
        columns=_COLUMNS,
        signed=True,
    )


def kernel_tiles(found: Kernels, most: int = 32) -> Tiles:
    """Return a layer's kernels as pictures, one for each of its input channels."""
    channels = found.weights.shape[1]
    pictures = [
        Tile(caption=str(number) if channels == 1 else f"{number}, channel {channel}", values=picture.tolist())
        for number, kernel in enumerate(found.weights)
        for channel, picture in enumerate(kernel)
    ]
    return Tiles(
        title=f"Kernels of {found.layer}",
        detail=f"{min(most, len(pictures))} of {len(pictures)}; blue weights are positive, orange ones negative",
        says=f"The {len(found.weights)} kernels of {found.layer} are {found.weights.shape[2]} x"
        f" {found.weights.shape[3]}; their weights lie between {float(found.weights.min()):.3g} and"
        f" {float(found.weights.max()):.3g}.",
        tiles=pictures[:most],
        columns=_COLUMNS,
        signed=True,
    )


def activating_tiles(found: Activating) -> Tiles:
    """Return the samples that excite a unit most as pictures; the channels of images are averaged.

    Raises:
        DataError: the samples are no images.
    """
    if found.inputs.ndim != 4:
        raise DataError(
            "these samples are no pictures", expected="images", received=f"inputs {tuple(found.inputs.shape[1:])}"
        )
    captions = [
        f"row {row + 1}: {value:.3g}"
        for row, value in zip(found.rows.tolist(), found.activations.tolist(), strict=True)
    ]
    return Tiles(
        title=f"What excites unit {found.unit} of {found.layer}",
        detail="the samples with its largest activations, the largest first",
        says=f"Unit {found.unit} of {found.layer} reaches {float(found.activations[0]):.3g} at most.",
        tiles=[
            Tile(caption=caption, values=one.mean(0).tolist())
            for caption, one in zip(captions, found.inputs, strict=True)
        ],
        columns=_COLUMNS,
        together=False,
    )


def _first_convolution(network: nn.Module) -> str:
    names: list[str] = [name for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d)]
    if names:
        return names[0]
    raise OptionError(
        "this network has no convolution of images", expected="the name of a layer and the shape of its inputs",
        received="none", advice='kernels(network, "fc1", (28, 28))',
    )  # fmt: skip
