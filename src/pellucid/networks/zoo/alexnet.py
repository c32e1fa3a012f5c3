"""AlexNet, the network that won ILSVRC 2012."""

from typing import Literal

from pellucid.networks.zoo.entry import Arrows, Entry
from pellucid.networks.zoo.image_sizes import at_least, behind_enlarging
from pellucid.shapes import Image

Form = Literal["single-tower", "two-group", "published"]

_PAPERS = Image(227, 227, 3)
_PUBLISHED = Image(224, 224, 3)
_PLACES = 6  # of the paper's last pooling, along each axis
_POOL = "maxpool(3x3, stride=2)"
# what the fully connected layers are read from: where their inputs are dropped, as published, or their outputs
_DENSE = "fc(4096, init=he) -> relu -> dropout -> fc(4096, init=he) -> relu -> dropout -> fc({classes})"
_DENSE_PUBLISHED = "dropout -> fc(4096, init=he) -> relu -> dropout -> fc(4096, init=he) -> relu -> fc({classes})"


def write(input: Image, *, classes: int, form: Form = "single-tower") -> Arrows:
    """Write five convolutions, three of them pooled, and three fully connected layers.

    Weights start as He et al. (2015) draw them, where the paper draws them from N(0, 0.01) and lets some biases start
    at 1. An image too small for the poolings is enlarged; of a large one the last maps are averaged to 6x6, so that
    the fully connected layers do not grow.

    Args:
        input: the images.
        classes: the outputs.
        form: single-tower, two-group (convolutions 2, 4 and 5 see half the maps, as on the paper's two graphics
            cards), or published (narrower and without normalisation, as torchvision's weights are).
    """
    enlarged = at_least(input, 63 if form == "published" else 67)
    classifier = (_DENSE_PUBLISHED if form == "published" else _DENSE).format(classes=classes)
    if form == "published":
        features = f"{_published()} -> adaptiveavgpool({_PLACES}x{_PLACES})"
        return behind_enlarging(Arrows({"features": features, "classifier": classifier}), input, enlarged)
    features = _features(2 if form == "two-group" else 1, shapes=input == _PAPERS)
    notes: tuple[str, ...] = ()
    height, width = (min(_PLACES, _places(side)) for side in (enlarged.height, enlarged.width))
    if (height, width) != (_places(enlarged.height), _places(enlarged.width)):
        features += f" -> adaptiveavgpool({height}x{width})"
        notes = (f"the last maps are averaged to {height}x{width}, as many numbers as the paper has at most",)
    return behind_enlarging(Arrows({"features": features, "classifier": classifier}, notes), input, enlarged)


def _features(groups: int, *, shapes: bool) -> str:
    """Return the paper's convolutions; for its own images with the shapes it draws, which are then checked."""
    grouped = f", groups={groups}" if groups > 1 else ""
    steps = [
        *("conv(96, 11x11, stride=4, init=he)", "55x55x96", "relu", "lrn", _POOL, "27x27x96"),
        *(f"conv(256, 5x5, padding=2{grouped}, init=he)", "27x27x256", "relu", "lrn", _POOL, "13x13x256"),
        *("conv(384, 3x3, padding=1, init=he)", "13x13x384", "relu"),
        *(f"conv(384, 3x3, padding=1{grouped}, init=he)", "13x13x384", "relu"),
        *(f"conv(256, 3x3, padding=1{grouped}, init=he)", "13x13x256", "relu", _POOL, "6x6x256"),
    ]
    return " -> ".join(step for step in steps if shapes or not step[0].isdigit())


def _published() -> str:
    steps = [
        *("conv(64, 11x11, stride=4, padding=2, init=he)", "relu", _POOL),
        *("conv(192, 5x5, padding=2, init=he)", "relu", _POOL),
        *("conv(384, 3x3, padding=1, init=he)", "relu"),
        *("conv(256, 3x3, padding=1, init=he)", "relu"),
        *("conv(256, 3x3, padding=1, init=he)", "relu", _POOL),
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
