"""What of an image a unit in the middle of a layer looks at, measured: how much it sees, and how much of that counts.

Shape letters: B samples of a batch, C channels, H height, W width.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pellucid.chart import Tile, Tiles
from pellucid.errors import DataError
from pellucid.explain.listening import listening
from pellucid.judging.wording import percent

_COUNTS = 0.0455
"""Of the largest influence, two standard deviations from the middle where it falls as a normal distribution does."""


@dataclass(frozen=True, slots=True)
class MeasuredField:
    """What a layer's middle unit looks at.

    Attributes:
        layer: its name.
        influence: Σ over channels of |∂unit/∂pixel|, mean over the samples, (H, W).
        extent: height and width, in pixels, of the box around all that has an influence.
        effective: share of that box whose influence is at least 4.55 % of the largest.
    """

    layer: str
    influence: Tensor
    extent: tuple[int, int]
    effective: float


def measured_field(network: nn.Module, inputs_BCHW: Tensor, layer: str) -> MeasuredField:
    """Return what the unit in the middle of a layer's maps looks at: the slope of all its channels by each pixel.

    A box smaller than the layer's receptive field (see `Plan.table`) means that rectifiers and poolings stop the rest
    in all of these samples, or that the image's edge cuts it.

    Args:
        network: any that takes images; run in evaluation mode, and left as it is.
        inputs_BCHW: prepared images, of which each tells of the paths that it opens.
        layer: its name; its output is (B, C, H, W).

    Raises:
        DataError: the inputs are no images, or the layer gives no maps of them.
        OptionError: there is no such layer.

    Source: Luo, Li, Urtasun and Zemel 2016, Understanding the effective receptive field in deep convolutional neural
    networks, section 3.
    """
    given = inputs_BCHW.detach().requires_grad_()
    with listening(network, [layer]) as calls:
        network(given)
    maps = calls[-1].output if calls else None
    if inputs_BCHW.ndim != 4 or not isinstance(maps, Tensor) or maps.ndim != 4:
        raise DataError(
            f"of '{layer}' no receptive field is measured",
            expected="images, and a layer that gives maps of them",
            received=f"inputs {tuple(inputs_BCHW.shape)}, "
            + (f"outputs {tuple(maps.shape)}" if isinstance(maps, Tensor) else "no maps"),
        )
    middle_BC = maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2]
    influence_HW = torch.zeros(inputs_BCHW.shape[2:])
    for channel in middle_BC.unbind(1):  # one by one, for slopes of several channels could cancel
        (slopes,) = torch.autograd.grad(channel.sum(), given, retain_graph=True)
        influence_HW += slopes.abs().sum(1).mean(0).cpu()
    seen = influence_HW > 0
    extent = (_extent(seen.any(1)), _extent(seen.any(0)))
    box = max(1, extent[0] * extent[1])
    counting = int((seen & (influence_HW >= _COUNTS * influence_HW.max())).sum())
    return MeasuredField(layer, influence_HW, extent, counting / box)


def field_tiles(found: MeasuredField) -> Tiles:
    """Return the influence of each pixel as a picture."""
    height, width = found.extent
    return Tiles(
        title=f"What a unit of {found.layer} looks at",
        detail="the brighter a pixel, the more the layer's middle unit changes with it",
        says=f"A unit of {found.layer} is influenced by {height} x {width} pixels; {percent(found.effective)} of them"
        " have at least 4.55 % of the largest influence.",
        tiles=[Tile(caption=f"{height} x {width} pixels", values=found.influence.tolist())],
        columns=1,
    )


def _extent(seen: Tensor) -> int:
    """Return how many places lie from the first to the last that is seen."""
    places = seen.nonzero()[:, 0]
    return int(places[-1] - places[0]) + 1 if len(places) else 0
