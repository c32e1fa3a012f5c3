"""VGG: ever more 3x3 convolutions."""

from functools import partial

from pellucid.networks.zoo.entry import Arrows, Entry
from pellucid.networks.zoo.image_sizes import at_least, behind_enlarging
from pellucid.networks.zoo.widths import in_proportion
from pellucid.shapes import Image

STAGES = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
_MAPS = (64, 128, 256, 512, 512)
_UNITS = 4096
_SMALLEST = 32  # halved five times, one pixel is left
_PAPERS = Image(224, 224, 3)
_PLACES = 7  # of the paper's last pooling, along each axis


def write(depth: int, input: Image, *, classes: int, width: int = _MAPS[0], batchnorm: bool = False) -> Arrows:
    """Write five stages of 3x3 convolutions, each pooled to half the size, and three fully connected layers.

    Weights start as He et al. (2015) draw them, so that the deep ones learn from the start; the paper begins them with
    those of the shallow one. Images smaller than 32x32 are enlarged; of those larger than the paper's the last maps
    are averaged to 7x7, so that the fully connected layers do not grow.

    Args:
        depth: layers with weights: 11, 13, 16 or 19.
        input: the images.
        classes: the outputs.
        width: maps of the first stage; those of the others, and the units, are in proportion.
        batchnorm: whether each convolution is batch-normalised, which the paper's are not.
    """
    enlarged = at_least(input, _SMALLEST)
    conv = "conv({maps}, 3x3, padding=1, init=he) -> " + "batchnorm -> " * batchnorm + "relu"
    stages = [
        " -> ".join([conv.format(maps=in_proportion(maps, width, _MAPS[0]))] * count + ["maxpool(2x2)"])
        for count, maps in zip(STAGES[depth], _MAPS, strict=True)
    ]
    places = [side // _SMALLEST for side in (enlarged.height, enlarged.width)]
    notes: tuple[str, ...] = ()
    if max(places) > _PLACES:
        averaged = "x".join(str(min(_PLACES, side)) for side in places)
        stages.append(f"adaptiveavgpool({averaged})")
        notes = (f"the last maps are averaged to {averaged}, as many numbers as the paper has at most",)
    units = in_proportion(_UNITS, width, _MAPS[0])
    classifier = f"2 * (fc({units}, init=he) -> relu -> dropout) -> fc({classes})"
    return behind_enlarging(Arrows({"features": " -> ".join(stages), "classifier": classifier}, notes), input, enlarged)


def _entry(depth: int, configuration: str, parameters: int, flops: int, figures: dict[str, int | str]) -> Entry:
    return Entry(
        f"vgg{depth}",
        f"VGG-{depth}: {depth - 3} convolutions of 3x3 and three fully connected layers",
        "Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition, ICLR 2015, "
        f"configuration {configuration}",
        partial(write, depth),
        (Image,),
        _PAPERS,
        1000,
        {"parameters": parameters, "FLOPs": flops} | figures,
    )


def _alone(error: str) -> dict[str, int | str]:
    return {"ImageNet top-5 error, ILSVRC 2014 validation": f"{error} (one network at one scale; the paper's table 3)"}


_SUBMITTED: dict[str, int | str] = {
    "ImageNet top-5 error, ILSVRC 2014 test": "7.3 % (seven networks averaged; second place)"
}

ENTRIES = (
    _entry(11, "A", 132_863_336, 15_218_180_096, _alone("10.4 %")),
    _entry(13, "B", 133_047_848, 22_616_932_352, _alone("9.9 %")),
    _entry(16, "D", 138_357_544, 30_940_528_640, _alone("8.1 %") | _SUBMITTED),
    _entry(19, "E", 143_667_240, 39_264_124_928, _alone("8.0 %") | _SUBMITTED),
)
