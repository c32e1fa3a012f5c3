"""Receptive fields by the plan's table, and by what a gradient reaches.

A unit at layer L sees the input x where ∂h_L / ∂x is not 0. Letters: B images, C channels, H and W pixels, n layers.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from pellucid.chart import Axis, Chart, Line
from pellucid.experiments.evidence import above, alike, below, counted, exact
from pellucid.experiments.experiment import Check, Experiment, Quantity, Result
from pellucid.judging.wording import percent
from pellucid.networks import build, parse
from pellucid.seed import generator
from pellucid.shapes import Image

_NETWORKS = {
    "lenet5": "lenet5",
    "the beginning of AlexNet, with 4 maps": "163x163x3 -> conv(4, 11x11, stride=4) -> relu -> maxpool(3x3, stride=2)"
    " -> conv(4, 5x5, padding=2) -> relu -> maxpool(3x3, stride=2) -> conv(4, 3x3, padding=1)",
    "the beginning of VGG, with 4 maps": "48x48x3 -> conv(4, 3x3, padding=1) -> relu -> conv(4, 3x3, padding=1) -> relu"
    " -> maxpool(2x2) -> conv(4, 3x3, padding=1) -> relu -> conv(4, 3x3, padding=1) -> relu -> maxpool(2x2)",
    "dilated": "33x33x1 -> conv(4, 3x3) -> relu -> conv(4, 3x3, dilation=2) -> relu -> conv(4, 3x3, dilation=4)",
    "two 3x3": "15x15x1 -> conv(4, 3x3) -> relu -> conv(4, 3x3)",
}
_IMAGES = 64  # of a maximum only one place has a gradient: another in each image
_DEPTHS, _DEEPEST, _CHANNELS, _RANDOM_IMAGES = (4, 8, 16, 32), 32, 16, 4
_MAPS, _ONE, _TWO = 64, "conv(64, 5x5, bias=no)", "2x(conv(64, 3x3, bias=no))"
_REST = 1 - 0.9545  # what a normal distribution has beyond two standard deviations, as Luo et al. take it
_GROWTH, _HALF, _BELL = 0.5, 0.5, 0.95


def measured_fields(arrows: str, seed: int) -> list[tuple[int, int]]:
    """Return height and width of what the central unit sees, by gradient, for each layer whose units have a place.

    The weights are made positive, so that no two ways from an input to the unit cancel.
    """
    network = build(arrows, seed).double()
    assert isinstance(network, nn.Sequential)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    image = parse(arrows).input
    assert isinstance(image, Image)
    drawn = torch.rand(_IMAGES, *image.dimensions, generator=generator(seed, "field"), dtype=torch.float64)
    fields = []
    # small inputs leave tanh far from where its derivative is 0
    x_BCHW = drawn.mul_(0.01).requires_grad_()
    for end in range(1, len(theoretical_fields(arrows)) + 1):
        seen_HW = central_gradient(network[:end], x_BCHW).amax(dim=(0, 1)) > 0
        fields.append((int(seen_HW.any(dim=1).sum()), int(seen_HW.any(dim=0).sum())))
    return fields


def theoretical_fields(arrows: str) -> list[tuple[int, ...]]:
    """Return them as the plan's table says."""
    extents = [row.receptive_field.extent for row in parse(arrows).table().rows]
    return [extent for extent in extents if extent is not None]


def central_gradient(network: nn.Module, x_BCHW: Tensor) -> Tensor:
    """Return the size of the gradient of the central unit's maps together, by each input."""
    maps_BCHW = network(x_BCHW)
    height, width = maps_BCHW.shape[-2:]
    (gradient_BCHW,) = torch.autograd.grad(maps_BCHW[:, :, height // 2, width // 2].sum(), x_BCHW)
    return gradient_BCHW.abs()


def effective_gradient(depth: int, seed: int) -> Tensor:
    """Return the mean size of the gradient, (H, W), of one unit above so many random 3x3 convolutions with ReLU.

    The input is just what the unit sees in theory, 2n + 1 pixels a side.
    """
    side = 2 * depth + 1
    layers = f"{depth}x(conv({_CHANNELS}, 3x3, init=he) -> relu)"
    network = build(f"{side}x{side}x{_CHANNELS} -> {layers}", seed)
    drawn = generator(seed, "effective", depth)
    images = torch.randn(_RANDOM_IMAGES, _CHANNELS, side, side, generator=drawn).requires_grad_()
    return central_gradient(network, images).mean(dim=(0, 1))


def effective_side(gradient_HW: Tensor) -> float:
    """Return the side of a square of as many pixels as have more than 4.55 % of the greatest gradient."""
    return math.sqrt(float((gradient_HW > _REST * gradient_HW.max()).sum()))


def normal_field(depth: int) -> Tensor:
    """Return what theory expects of it, 1 in the middle: a normal distribution of variance 4n/3 along each axis.

    Each 3x3 kernel spreads the mean square of the gradient evenly over three places, of variance 2/3; after n layers
    these sum to 2n/3, and the root of the mean square has twice that.
    """
    offsets = torch.arange(-depth, depth + 1, dtype=torch.float32)
    line = torch.exp(-offsets.square() / (2 * 4 * depth / 3))
    return torch.outer(line, line)


def explained(gradient_HW: Tensor, by_HW: Tensor) -> float:
    """Return R², the share of the variance that a multiple of another field explains."""
    scale = (gradient_HW * by_HW).sum() / by_HW.square().sum()
    rest = (gradient_HW - scale * by_HW).square().sum()
    return float(1 - rest / (gradient_HW - gradient_HW.mean()).square().sum())


def measure(seeds: Sequence[int]) -> Result:
    """Compare table and gradient for every layer, then the gradients of ever deeper stacks."""
    pairs = [
        pair
        for arrows in _NETWORKS.values()
        for seed in seeds
        for pair in zip(measured_fields(arrows, seed), theoretical_fields(arrows), strict=True)
    ]
    gradients = {depth: [effective_gradient(depth, seed) for seed in seeds] for depth in _DEPTHS}
    sides = {depth: [effective_side(each) for each in by_seed] for depth, by_seed in gradients.items()}
    growth = [float(np.polyfit(np.log(_DEPTHS), np.log(each), 1)[0]) for each in zip(*sides.values(), strict=True)]
    bell = [explained(each, normal_field(_DEEPEST)) for each in gradients[_DEEPEST]]
    shares = [side / (2 * _DEEPEST + 1) for side in sides[_DEEPEST]]
    return Result(
        checks=(
            counted("What a unit sees by gradient is what the formula says, layer by layer",
                    sum(measured == expected for measured, expected in pairs), len(pairs)),
            _two_for_one(),
            below(f"Behind {_DEEPEST} layers 3x3 the effective field has less than half the theoretical one's side",
                  shares, _HALF, share=True),
            alike("Its side grows like the square root of the number of layers: as a power of it, by 0.5", growth,
                  [_GROWTH] * len(growth), within=0.1),
            above("It is bell-shaped: a normal distribution of variance 4n/3 explains more than 95 % of it", bell,
                  _BELL, share=True),
        ),
        quantities=(
            *(Quantity(name=f"effective side in pixels, {depth} layers", values=each) for depth, each in sides.items()),
            Quantity(name=f"share of the theoretical side, {_DEEPEST} layers", values=shares, share=True),
            Quantity(name="power of the number of layers", values=growth),
        ),
        figures=(_sides(sides), _profile(gradients[_DEEPEST])),
    )  # fmt: skip


def _two_for_one() -> Check:
    """Compare the weights of two convolutions 3x3 with those of one 5x5, if both see as much."""
    one, two = (f"32x32x{_MAPS} -> {layers}" for layers in (_ONE, _TWO))
    assert theoretical_fields(one)[-1] == theoretical_fields(two)[-1] == (5, 5)
    return exact(
        f"Two convolutions 3x3 see what one 5x5 sees, with 18/25 of its weights ({_MAPS} maps)",
        [parse(two).parameters / parse(one).parameters],
        18 / 25,
        tolerance=1e-12,
    )


def _sides(sides: dict[int, list[float]]) -> Chart:
    deepest = float(np.mean(sides[_DEEPEST]))
    return Chart(
        title="What a unit could see, and what moves it",
        detail="side of the field of one unit above so many convolutions 3x3 with ReLU and random weights",
        says=f"Above {_DEEPEST} layers a unit sees {2 * _DEEPEST + 1} pixels a side in theory, and {deepest:.3g} in"
        " effect.",
        x=Axis("layers", "log"),
        y=Axis("side of the field in pixels", "log"),
        lines=[
            Line(label="theoretical, 2n + 1", x=_DEPTHS, runs=[[2 * depth + 1 for depth in _DEPTHS]], style="dashed"),
            Line(label="effective", x=_DEPTHS, runs=[list(each) for each in zip(*sides.values(), strict=True)]),
        ],
    )


def _profile(gradients: list[Tensor]) -> Chart:
    offsets = list(range(-_DEEPEST, _DEEPEST + 1))
    rows = [(each[_DEEPEST] / each[_DEEPEST].sum()).tolist() for each in gradients]
    expected = normal_field(_DEEPEST)[_DEEPEST]
    within = float(np.mean([sum(row[_DEEPEST // 2 : -(_DEEPEST // 2)]) for row in rows]))
    return Chart(
        title="A bell, not a box",
        detail=f"mean size of the gradient along the middle row of the input, {_DEEPEST} layers above it",
        says=f"The middle {_DEEPEST + 1} of {2 * _DEEPEST + 1} pixels have {percent(within)} of the row's gradient.",
        x=Axis("pixels from the middle"),
        y=Axis("share of the row's gradient", "percent"),
        lines=[
            Line(label="measured", x=offsets, runs=rows),
            Line(label="normal, variance 4n/3", x=offsets, runs=[(expected / expected.sum()).tolist()], style="dashed"),
        ],
    )


EXPERIMENT = Experiment(
    name="receptive-field",
    title="What a unit sees",
    topic="Images",
    claim="The receptive field of a unit follows from the kernels and strides before it; two convolutions 3x3 see as"
    " much as one 5x5 with fewer weights. What moves the unit in effect is a bell-shaped part of it, whose side grows"
    " like the square root of the number of layers, where the field itself grows like their number.",
    source="Araujo, Norris and Sim 2019, Computing receptive fields of convolutional neural networks; Simonyan and"
    " Zisserman 2015, Very deep convolutional networks for large-scale image recognition, section 2.3; Luo, Li, Urtasun"
    " and Zemel 2016, Understanding the effective receptive field in deep convolutional neural networks",
    method=f"The central unit of each layer of LeNet-5 and {len(_NETWORKS) - 1} other stacks, until the image is"
    f" flattened: where the gradient by {_IMAGES} random images is not 0, with positive weights, against the network's"
    f" table. Then {', '.join(map(str, _DEPTHS))} convolutions 3x3 of {_CHANNELS} maps with ReLU and He's random"
    " weights: the mean size of the gradient; the effective field are the pixels with more than 4.55 % of the greatest,"
    " as Luo et al. take it.",
    measure=measure,
    seconds=12,
)
