"""LeNet-5, the first convolutional network in wide use."""

from typing import Literal

from pellucid.networks.zoo.entry import Arrows, Entry
from pellucid.shapes import Image

_SIDE = 32
_FEATURES = {
    "modern": "conv(6, 5x5{padding}) -> 28x28x6 -> tanh -> avgpool(2x2) -> 14x14x6"
    " -> conv(16, 5x5) -> 10x10x16 -> tanh -> avgpool(2x2) -> 5x5x16",
    "paper": "conv(6, 5x5{padding}) -> 28x28x6 -> scaledtanh -> subsample(2x2) -> 14x14x6 -> scaledtanh"
    " -> tableconv(5x5) -> 10x10x16 -> scaledtanh -> subsample(2x2) -> 5x5x16 -> scaledtanh",
}
_CLASSIFIER = {
    "modern": "fc(120) -> 120 -> tanh -> fc(84) -> 84 -> tanh -> fc({classes})",
    "paper": "conv(120, 5x5) -> 1x1x120 -> scaledtanh -> fc(84) -> 84 -> scaledtanh -> codes({classes})",
}


def write(input: Image, *, classes: int, form: Literal["modern", "paper"] = "modern") -> Arrows:
    """Write LeNet-5.

    An image of 28x28 (MNIST as it is distributed) is padded by 2 in the first convolution, as the paper pads it
    beforehand; any other size is brought to 32x32.

    Args:
        input: the images.
        classes: the outputs.
        form: modern has full connections in C3, averages as S2 and S4, tanh and a linear output layer; paper has
            what was published: the connection table, trainable subsampling, 1.7159 tanh(2/3 x) and output codes.
    """
    sides = (input.height, input.width)
    padding = ", padding=2" if sides == (28, 28) else ""
    notes: tuple[str, ...] = ()
    first = ""
    if padding:
        notes = ("the first convolution pads 28x28 by 2 to the paper's 32x32",)
    elif sides != (_SIDE, _SIDE):
        first = "upsample(to=32x32, mode=bilinear) -> "
        notes = (f"images are resized from {sides[0]}x{sides[1]} to the paper's 32x32",)
    features = first + _FEATURES[form].format(padding=padding)
    return Arrows({"features": features, "classifier": _CLASSIFIER[form].format(classes=classes)}, notes)


ENTRIES = (
    Entry(
        "lenet5",
        "LeNet-5: two convolutions, each with a pooling behind it, and three fully connected layers",
        "LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, 1998",
        write,
        (Image,),
        Image(32, 32, 1),
        10,
        {
            "parameters": 61_706,
            "parameters of form=paper": 60_000,
            "MNIST test error of the paper's form": "0.95 % (section III.B)",
        },
    ),
)
