"""AlexNet, the network that won ILSVRC 2012."""

from typing import Literal

from pellucid.networks.zoo.entry import Arrows, Entry
from pellucid.networks.zoo.image_sizes import at_least, behind_enlarging
from pellucid.networks.zoo.widths import in_proportion
from pellucid.shapes import Image

Form = Literal["single-tower", "two-group", "published"]

_PAPERS = Image(227, 227, 3)
_PUBLISHED = Image(224, 224, 3)
_PLACES = 6  # of the paper's last pooling, along each axis
_POOL = "maxpool(3x3, stride=2)"
_MAPS = (96, 256, 384, 384, 256)
_MAPS_PUBLISHED = (64, 192, 384, 256, 256)
_UNITS = 4096
# of the fully connected layers the outputs are dropped, or the inputs, as published
_DENSE = "fc({units}, init=he) -> relu -> dropout -> fc({units}, init=he) -> relu -> dropout -> fc({classes})"
_DENSE_PUBLISHED = "dropout -> fc({units}, init=he) -> relu -> dropout -> fc({units}, init=he) -> relu -> fc({classes})"


def write(input: Image, *, classes: int, form: Form = "single-tower", width: int = 0) -> Arrows:
    """Write five convolutions, three of them pooled, and three fully connected layers.

    Weights start as He et al. (2015) draw them, where the paper draws them from N(0, 0.01) and lets some biases start
    at 1. An image too small for the poolings is enlarged; of a large one the last maps are averaged to 6x6, so that
    the fully connected layers do not grow.

    Args:
        input: the images.
        classes: the outputs.
        form: single-tower, two-group (convolutions 2, 4 and 5 see half the maps, as on the paper's two graphics
            cards), or published (narrower and without normalisation, as torchvision's weights are).
        width: maps of the first convolution (96 unless said, 64 of the published form); all others, and the units,
            are in proportion.
    """
    published = form == "published"
    usual = _MAPS_PUBLISHED if published else _MAPS
    groups = 2 if form == "two-group" else 1
    maps = [in_proportion(count, width or usual[0], usual[0], groups) for count in usual]
    units = in_proportion(_UNITS, width or usual[0], usual[0])
    enlarged = at_least(input, 63 if published else 67)
    classifier = (_DENSE_PUBLISHED if published else _DENSE).format(units=units, classes=classes)
    if published:
        features = f"{_published(maps)} -> adaptiveavgpool({_PLACES}x{_PLACES})"
        return behind_enlarging(Arrows({"features": features, "classifier": classifier}), input, enlarged)
    features = _features(maps, groups, shapes=input == _PAPERS)
    notes: tuple[str, ...] = ()
    height, width = (min(_PLACES, _places(side)) for side in (enlarged.height, enlarged.width))
    if (height, width) != (_places(enlarged.height), _places(enlarged.width)):
        features += f" -> adaptiveavgpool({height}x{width})"
        notes = (f"the last maps are averaged to {height}x{width}, as many numbers as the paper has at most",)
    return behind_enlarging(Arrows({"features": features, "classifier": classifier}, notes), input, enlarged)


def _features(maps: list[int], groups: int, *, shapes: bool) -> str:
    """Return the paper's convolutions; for its own images with the shapes it draws, which are then checked."""
    grouped = f", groups={groups}" if groups > 1 else ""
    a, b, c, d, e = maps
    steps = [
        *(f"conv({a}, 11x11, stride=4, init=he)", f"55x55x{a}", "relu", "lrn", _POOL, f"27x27x{a}"),
        *(f"conv({b}, 5x5, padding=2{grouped}, init=he)", f"27x27x{b}", "relu", "lrn", _POOL, f"13x13x{b}"),
        *(f"conv({c}, 3x3, padding=1, init=he)", f"13x13x{c}", "relu"),
        *(f"conv({d}, 3x3, padding=1{grouped}, init=he)", f"13x13x{d}", "relu"),
        *(f"conv({e}, 3x3, padding=1{grouped}, init=he)", f"13x13x{e}", "relu", _POOL, f"6x6x{e}"),
    ]
    return " -> ".join(step for step in steps if shapes or not step[0].isdigit())


def _published(maps: list[int]) -> str:
    a, b, c, d, e = maps
    steps = [
        *(f"conv({a}, 11x11, stride=4, padding=2, init=he)", "relu", _POOL),
        *(f"conv({b}, 5x5, padding=2, init=he)", "relu", _POOL),
        *(f"conv({c}, 3x3, padding=1, init=he)", "relu"),
        *(f"conv({d}, 3x3, padding=1, init=he)", "relu"),
        *(f"conv({e}, 3x3, padding=1, init=he)", "relu", _POOL),
    ]
    return " -> ".join(steps)


def _places(side: int) -> int:
    """Return the places that the paper's convolutions and poolings leave of a side."""
    side = (side - 11) // 4 + 1
    for _ in range(3):
        side = (side - 3) // 2 + 1
    return side


ENTRIES = (
    Entry(
        "alexnet",
        "AlexNet: five convolutions and three fully connected layers, with ReLU, dropout, normalisation across maps",
        "Krizhevsky, Sutskever and Hinton, ImageNet classification with deep convolutional neural networks, 2012",
        write,
        (Image,),
        _PAPERS,
        1000,
        {
            "parameters": 62_378_344,
            "FLOPs": 2_270_512_192,
            "parameters with form=two-group, the paper's": "60,965,224 (it says 60 million)",
            "parameters with form=published": "61,100,840",
            "ImageNet top-5 error, ILSVRC 2012 test": "16.4 % (five networks averaged; the paper's table 2)",
            "ImageNet top-5 error, ILSVRC 2012 validation": "18.2 % (one network; the paper's table 2)",
        },
        forms={"published": _PUBLISHED},
    ),
)
