"""Networks that answer at every pixel: fully convolutional, so that any size will do, with ways past each pooling."""

from pellucid.networks.zoo.entry import Arrows, Entry
from pellucid.shapes import Image

_SMALLEST = 4  # fewer places tell nothing more of where something is


def write(input: Image, *, classes: int, width: int = 16, depth: int = 3) -> Arrows:
    """Write scores of the classes at several scales, each enlarged and added to those of the scale before.

    Long's scores come from a pooled VGG and are enlarged at the end; here the finest scale is the image's own.

    Args:
        input: the images, of any size.
        classes: the outputs at each pixel.
        width: maps of the first scale; each scale has twice as many as the one before.
        depth: how often the scale is halved, fewer times on small images.
    """
    sizes = _scales(input, depth)
    score = f"conv({classes}, 1x1)"
    text = ""
    for level in reversed(range(len(sizes))):
        deeper = f"maxpool(2x2, padding=same) -> {text} -> {_enlarged(sizes[level])}"
        ways = f"add({score} | {deeper})" if text else score
        text = f"{_stage(sizes[level], width << level)} -> {ways}"
    return Arrows({"scores": f"{text} -> {_shape(input, classes)}"})


def write_unet(input: Image, *, classes: int, width: int = 16, depth: int = 3) -> Arrows:
    """Write an encoder and a decoder: each scale's maps are put beside the enlarged ones of the next smaller scale.

    The convolutions are padded, so that the output has the input's size, and have batch norm.

    Args:
        input: the images, of any size.
        classes: the outputs at each pixel.
        width: maps of the first scale; each scale has twice as many as the one before.
        depth: how often the scale is halved, fewer times on small images.
    """
    sizes = _scales(input, depth)
    text = ""
    for level in reversed(range(len(sizes))):
        stage = _stage(sizes[level], width << level)
        deeper = f"maxpool(2x2, padding=same) -> {text} -> {_enlarged(sizes[level])}"
        text = f"{stage} -> concat(identity | {deeper}) -> {stage}" if text else stage
    return Arrows({"features": text, "classifier": f"conv({classes}, 1x1) -> {_shape(input, classes)}"})


def _scales(input: Image, depth: int) -> list[Image]:
    """Return the size of each scale, as images of no channels in particular."""
    sizes = [input]
    while len(sizes) <= depth and min(sizes[-1].height, sizes[-1].width) >= 2 * _SMALLEST:
        sizes.append(Image(-(-sizes[-1].height // 2), -(-sizes[-1].width // 2), input.channels))
    return sizes


def _stage(size: Image, maps: int) -> str:
    return f"2 * (conv({maps}, 3x3, padding=same, bias=no) -> batchnorm -> relu) -> {_shape(size, maps)}"


def _enlarged(size: Image) -> str:
    return f"upsample(to={size.height}x{size.width}, mode=bilinear)"


def _shape(size: Image, maps: int) -> str:
    return f"{size.height}x{size.width}x{maps}"


ENTRIES = (
    Entry(
        "fcn",
        "fully convolutional network: classes are scored at every pixel on several scales, and the scores added",
        "Long, Shelhamer and Darrell, Fully convolutional networks for semantic segmentation, CVPR 2015",
        write,
        (Image,),
        Image(64, 64, 3),
        2,
        {"PASCAL VOC 2012 mean intersection over union of the paper's FCN-8s": "62.2 %"},
    ),
    Entry(
        "unet",
        "encoder and decoder with the maps of each scale handed across, for a class at every pixel",
        "Ronneberger, Fischer and Brox, U-Net: convolutional networks for biomedical image segmentation, MICCAI 2015",
        write_unet,
        (Image,),
        Image(64, 64, 3),
        2,
    ),
)
