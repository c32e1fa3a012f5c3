"""LeNet-5, the first convolutional network in wide use."""

from pellucid.networks.zoo.entry import Arrows, Entry
from pellucid.shapes import Image

_SIDE = 32


def write(input: Image, *, classes: int) -> Arrows:
    """Write the modern form: full connections in C3, averages as S2 and S4, a linear output layer.

    An image of 28x28 (MNIST as it is distributed) is padded by 2 in the first convolution, as the paper pads it
    beforehand; any other size is brought to 32x32.
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
    features = f"{first}conv(6, 5x5{padding}) -> tanh -> avgpool(2x2) -> conv(16, 5x5) -> tanh -> avgpool(2x2)"
    return Arrows({"features": features, "classifier": f"fc(120) -> tanh -> fc(84) -> tanh -> fc({classes})"}, notes)


ENTRIES = (
    Entry(
        "lenet5",
        "LeNet-5 in its modern form: two convolutions, two average poolings, three fully connected layers",
        "LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, 1998",
        write,
        (Image,),
        Image(32, 32, 1),
        10,
        {"parameters": 61_706, "MNIST test error of the paper's form": "0.95 %"},
    ),
)
