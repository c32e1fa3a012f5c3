"""A small modern convolutional network that fits images of any size."""

from pellucid.networks.zoo.entry import Arrows, Entry
from pellucid.shapes import Image

_SMALLEST = 8  # a stage below this has too few pixels to be worth halving
_LARGEST = 64  # above this a stem brings the image down first, or the early stages take nearly all the time
_WIDEST = 256


def write(input: Image, *, classes: int, width: int = 16, convolutions: int = 2, dropout: float = 0.0) -> Arrows:
    """Write stages of convolution, batch norm and ReLU, each half as large and twice as wide as the one before.

    Args:
        input: the images.
        classes: the outputs.
        width: maps of the first stage; 256, or this if it is more, is the most of a later one.
        convolutions: how many in each stage.
        dropout: share of the averaged channels dropped before the last layer.
    """
    side = min(input.height, input.width)
    steps: list[str] = []
    while side > _LARGEST:
        steps.append(_convolution(width, "5x5, stride=2"))
        side = -(-side // 2)
    while True:
        conv = _convolution(width, "3x3")
        steps.append(conv if convolutions == 1 else f"{convolutions} * ({conv})")
        if side < _SMALLEST:
            break
        steps.append("maxpool(2x2)")
        side, width = side // 2, max(width, min(2 * width, _WIDEST))
    steps.append("globalavgpool")
    classifier = [f"dropout({dropout})"] * bool(dropout) + [f"fc({classes})"]
    return Arrows({"features": " -> ".join(steps), "classifier": " -> ".join(classifier)})


def _convolution(maps: int, window: str) -> str:
    return f"conv({maps}, {window}, padding=same, bias=no) -> batchnorm -> relu"


ENTRIES = (
    Entry(
        "cnn",
        "small convolutional network: stages of convolution, batch norm and ReLU, pooled as far as the image allows",
        "the stages of VGG (Simonyan and Zisserman, 2015) with the batch norm of Ioffe and Szegedy (2015)"
        " and the global average of Lin, Chen and Yan (2014)",
        write,
        (Image,),
        Image(32, 32, 3),
        10,
    ),
)
