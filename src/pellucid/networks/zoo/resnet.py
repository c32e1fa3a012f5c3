"""Residual networks, y = ReLU(x + f(x)) at every block, and their plain twins: the same layers without shortcuts."""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import groupby
from typing import Literal

from pellucid.networks.zoo.entry import Arrows, Entry
from pellucid.shapes import Image

DEEP = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
_MAPS = 64  # of the first stage; each later one has twice as many
_EXPANSION = 4  # maps a bottleneck gives for each of its 3x3 convolution
_SHALLOWEST_BOTTLENECK = 50
_SMALL = 64  # the paper's first layers quarter an image, and would leave too little of one smaller than this


def write(
    depth: int, residual: bool, input: Image, *, classes: int, width: int = _MAPS, batchnorm: bool = True
) -> Arrows:
    """Write four stages of blocks of two 3x3 convolutions; a shortcut is projected where the shape changes.

    Weights start as He et al. (2015) draw them. Images smaller than 64x64 meet a first convolution of 3x3 without
    stride and pooling, in place of 7x7 with both.

    Args:
        depth: layers with weights: 18 or 34.
        residual: whether there are shortcuts.
        input: the images.
        classes: the outputs.
        width: maps of the first stage; each later one has twice as many.
        batchnorm: whether each convolution is batch-normalised.
    """

    def block(maps: int, stride: int) -> str:
        body = _basic(maps, stride, batchnorm=batchnorm)
        return f"residual({body}) -> relu" if residual else f"{body} -> relu"

    return _imagenet(depth, block, input, width, classes, batchnorm=batchnorm)


def write_bottleneck(
    depth: int,
    input: Image,
    *,
    classes: int,
    form: Literal["paper", "published"] = "paper",
    width: int = _MAPS,
    batchnorm: bool = True,
) -> Arrows:
    """Write four stages of blocks of a 1x1, a 3x3 and a 1x1 convolution, as `write` does for those of two 3x3.

    Args:
        depth: layers with weights: 50, 101 or 152.
        input: the images.
        classes: the outputs.
        form: where a stage halves the image: in its first 1x1 (paper), or its first 3x3 (published, torchvision's).
        width: maps of the 3x3 convolutions of the first stage; each later one has twice as many.
        batchnorm: whether each convolution is batch-normalised.
    """

    def block(maps: int, stride: int) -> str:
        first, second = (stride, 1) if form == "paper" else (1, stride)
        convolutions = (
            _conv(maps, 1, first, batchnorm=batchnorm),
            _conv(maps, 3, second, batchnorm=batchnorm),
            _conv(_EXPANSION * maps, 1, batchnorm=batchnorm),
        )
        return f"residual({' -> relu -> '.join(convolutions)}) -> relu"

    return _imagenet(depth, block, input, width, classes, batchnorm=batchnorm)


def write_cifar(
    depth: int,
    input: Image,  # noqa: ARG001 - it fits any
    *,
    classes: int,
    width: int = 16,
    shortcuts: Literal["padded", "projected"] = "padded",
    batchnorm: bool = True,
) -> Arrows:
    """Write the paper's form for CIFAR-10 (section 4.2): three stages on images of any size.

    Args:
        depth: layers with weights: 6n + 2.
        input: the images.
        classes: the outputs.
        width: maps of the first stage; each later one has twice as many.
        shortcuts: where the shape changes, padded with zeros (the paper's option A here) or projected (option B).
        batchnorm: whether each convolution is batch-normalised.
    """

    def block(maps: int, stride: int) -> str:
        body = _basic(maps, stride, batchnorm=batchnorm)
        if stride > 1 and shortcuts == "padded":
            return f"add({body} | avgpool(1x1, stride={stride}) -> padchannels({maps})) -> relu"
        return f"residual({body}) -> relu"

    return _cifar(depth, block, width, classes, batchnorm=batchnorm)


def write_plain_cifar(depth: int, input: Image, *, classes: int, width: int = 16, batchnorm: bool = True) -> Arrows:  # noqa: ARG001 - it fits any
    """Write the layers of `write_cifar` without its shortcuts.

    Args:
        depth: layers with weights: 6n + 2.
        input: the images.
        classes: the outputs.
        width: maps of the first stage; each later one has twice as many.
        batchnorm: whether each convolution is batch-normalised.
    """
    return _cifar(
        depth,
        lambda maps, stride: f"{_basic(maps, stride, batchnorm=batchnorm)} -> relu",
        width,
        classes,
        batchnorm=batchnorm,
    )


Block = Callable[[int, int], str]
"""The arrows of a block, from its maps and its stride."""


def _imagenet(depth: int, block: Block, input: Image, width: int, classes: int, *, batchnorm: bool) -> Arrows:
    stem = [_conv(width, 7, 2, batchnorm=batchnorm), "relu", "maxpool(3x3, stride=2, padding=1)"]
    notes: tuple[str, ...] = ()
    if min(input.height, input.width) < _SMALL:
        stem = [_conv(width, 3, batchnorm=batchnorm), "relu"]
        notes = ("the first convolution is 3x3, without stride and pooling, for images this small",)
    stages = ((count, width << stage) for stage, count in enumerate(DEEP[depth]))
    return _arrows(stem, block, stages, classes, notes)


def _cifar(depth: int, block: Block, width: int, classes: int, *, batchnorm: bool) -> Arrows:
    stem = [_conv(width, 3, batchnorm=batchnorm), "relu"]
    count = (depth - 2) // 6
    return _arrows(stem, block, ((count, maps) for maps in (width, 2 * width, 4 * width)), classes)


def _arrows(
    stem: list[str], block: Block, stages: Iterable[tuple[int, int]], classes: int, notes: tuple[str, ...] = ()
) -> Arrows:
    """Return the arrows of a network of stages of blocks, of which each but the first halves the image."""
    blocks = [
        block(maps, 2 if stage and not number else 1)
        for stage, (count, maps) in enumerate(stages)
        for number in range(count)
    ]
    steps = [*stem, *(_repeated(text, len(list(same))) for text, same in groupby(blocks)), "globalavgpool"]
    return Arrows({"features": " -> ".join(steps), "classifier": f"fc({classes})"}, notes)


def _basic(maps: int, stride: int, *, batchnorm: bool) -> str:
    return f"{_conv(maps, 3, stride, batchnorm=batchnorm)} -> relu -> {_conv(maps, 3, batchnorm=batchnorm)}"


def _conv(maps: int, side: int, stride: int = 1, *, batchnorm: bool) -> str:
    """Return a convolution that keeps the size but for its stride."""
    options = f", stride={stride}" * (stride > 1) + f", padding={side // 2}" * (side > 1) + ", bias=no" * batchnorm
    return f"conv({maps}, {side}x{side}{options}, init=he)" + " -> batchnorm" * batchnorm


def _repeated(text: str, count: int) -> str:
    return text if count == 1 else f"{count} * ({text})"


_REFERENCE = "He, Zhang, Ren and Sun, Deep residual learning for image recognition, CVPR 2016"

_ON_IMAGENET = {
    18: (11_689_512, 3_628_146_688, "1.8", "27.88 % top-1, with padded shortcuts"),
    34: (21_797_672, 7_327_522_816, "3.6", "24.52 % top-1, 7.46 % top-5"),
    50: (25_557_032, 7_715_946_496, "3.8", "22.85 % top-1, 6.71 % top-5"),
    101: (44_549_160, 15_140_388_864, "7.6", "21.75 % top-1, 6.05 % top-5"),
    152: (60_192_808, 22_564_831_232, "11.3", "21.43 % top-1, 5.71 % top-5"),
}
_PLAIN_ON_IMAGENET = {
    18: (11_515_688, 3_589_611_520, "1.8", "27.94 % top-1"),
    34: (21_623_848, 7_288_987_648, "3.6", "28.54 % top-1, more than of the shallower plain18"),
}
"""Depth: parameters and FLOPs of our plans; multiply-adds (in billions) and error as the paper gives them."""

_ON_CIFAR = {
    8: (75_290, 24_478_976, ""),
    20: (269_722, 81_102_080, "8.75 %"),
    32: (464_154, 137_725_184, "7.51 %"),
    44: (658_586, 194_348_288, "7.17 %"),
    56: (853_018, 250_971_392, "6.97 %"),
    110: (1_727_962, 505_775_360, "6.43 %"),
}
"""Depth: parameters and FLOPs, the same with and without padded shortcuts, and the paper's error."""

_PROJECTIONS = 2_752
"""More parameters where the shortcuts are projected."""


def _imagenet_entry(depth: int, *, residual: bool) -> Entry:
    parameters, flops, multiply_adds, error = (_ON_IMAGENET if residual else _PLAIN_ON_IMAGENET)[depth]
    figures: dict[str, int | str] = {
        "parameters": parameters,
        "FLOPs": flops,
        "multiply-adds": f"{multiply_adds} billion (the paper's table 1)",
        "ImageNet error, ILSVRC 2012 validation": f"{error} (one network, ten crops; tables 2 and 3)",
    }
    if depth == max(DEEP):
        figures["ImageNet top-5 error, ILSVRC 2015 test"] = "3.57 % (six networks averaged; first place)"
    basic = depth < _SHALLOWEST_BOTTLENECK
    convolutions = "two 3x3 convolutions" if basic else "a 1x1, a 3x3 and a 1x1 convolution"
    return Entry(
        f"resnet{depth}" if residual else f"plain{depth}",
        f"ResNet-{depth}: four stages of residual blocks of {convolutions}"
        if residual
        else f"the layers of ResNet-{depth} without shortcuts",
        _REFERENCE,
        partial(write, depth, residual) if basic else partial(write_bottleneck, depth),
        (Image,),
        Image(224, 224, 3),
        1000,
        figures,
    )


def _cifar_entry(depth: int, *, residual: bool) -> Entry:
    parameters, flops, error = _ON_CIFAR[depth]
    figures: dict[str, int | str] = {"parameters": parameters, "FLOPs": flops}
    if residual:
        figures["parameters with shortcuts=projected"] = f"{parameters + _PROJECTIONS:,}"
        if error:
            best = "best of five, 6.61 % in the mean; " if depth == max(_ON_CIFAR) else ""
            figures["CIFAR-10 test error"] = f"{error} ({best}the paper's table 6)"
    return Entry(
        f"resnet{depth}" if residual else f"plain{depth}",
        f"ResNet-{depth} for small images: three stages of residual blocks of two 3x3 convolutions"
        if residual
        else f"the layers of ResNet-{depth} without shortcuts",
        f"{_REFERENCE}, section 4.2",
        partial(write_cifar if residual else write_plain_cifar, depth),
        (Image,),
        Image(32, 32, 3),
        10,
        figures,
    )


ENTRIES = (
    *(_imagenet_entry(depth, residual=True) for depth in _ON_IMAGENET),
    *(_cifar_entry(depth, residual=True) for depth in _ON_CIFAR),
    *(_imagenet_entry(depth, residual=False) for depth in _PLAIN_ON_IMAGENET),
    *(_cifar_entry(depth, residual=False) for depth in _ON_CIFAR),
)
