"""GoogLeNet, whose Inception modules look at several scales at once, and a small net of two such modules."""

from dataclasses import dataclass
from typing import Literal

from pellucid.networks.zoo.entry import Arrows, Entry
from pellucid.networks.zoo.widths import in_proportion
from pellucid.shapes import Image

Form = Literal["paper", "published"]

# Table 1 of the paper: maps of the 1x1 branch, of the 3x3 branch (reduced to, then), the 5x5 branch, the pooled one
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
_WIDTH = 64
_HALVINGS = 5
_SMALLEST = 4  # the places a side keeps at the end; the paper's 224 end as 7


@dataclass(frozen=True, slots=True)
class _Make:
    """Which of the two forms a network has, and how wide it is."""

    form: Form
    width: int

    def maps(self, count: int) -> int:
        """Return as many maps or units as stand for the paper's."""
        return in_proportion(count, self.width, _WIDTH)

    def module(self, name: str) -> tuple[int, ...]:
        """Return the maps of a module as in table 1."""
        return tuple(map(self.maps, MODULES[name]))

    def gives(self, name: str) -> int:
        """Return the maps that a module gives."""
        one, _, three, _, five, pooled = self.module(name)
        return one + three + five + pooled

    def conv(self, maps: int, window: str) -> str:
        """Return a convolution with what is behind it."""
        if self.form == "paper":
            return f"conv({maps}, {window}, init=he) -> relu"
        return f"conv({maps}, {window}, bias=no) -> batchnorm(epsilon=0.001) -> relu"


def write(input: Image, *, classes: int, form: Form = "paper", auxiliary: bool = False, width: int = _WIDTH) -> Arrows:
    """Write GoogLeNet: nine Inception modules, an average over all places, one fully connected layer.

    Of small images the first of its five halvings are left out. The paper gives local response normalisation no
    constants; they are AlexNet's. Nor does it say how weights start: in its form, as He et al. (2015) draw them (on
    `digits`, a quarter as wide, 8 epochs then ended at 82 % of the test rows right, from torch's own weights at 35 %).

    Args:
        input: the images.
        classes: the outputs.
        form: paper is Szegedy's, with local response normalisation; published is the layout whose weights are
            published with torchvision, with batch norm and a 3x3 in place of each 5x5.
        auxiliary: whether two more classifiers branch off behind modules 4a and 4d, which only help to train.
        width: maps of the first convolution; all others, and the auxiliary classifiers' units, are in proportion.
    """
    make = _Make(form, width)
    sizes, left_out = _halved(input)
    pools = _pools(make, sizes, left_out)
    before = _chain(_stem(make, sizes, pools), _inceptions(make, sizes[3], "3a", "3b"), pools[2])
    before = _chain(before, _inceptions(make, sizes[4], "4a"))
    between = _inceptions(make, sizes[4], "4b", "4c", "4d")
    behind = _chain(_inceptions(make, sizes[4], "4e"), pools[3], _inceptions(make, sizes[5], "5a", "5b"))
    classifier = f"globalavgpool -> dropout({0.4 if form == 'paper' else 0.2}) -> fc({classes})"
    if auxiliary:
        aux = _auxiliary(make, sizes[4], classes)
        classifier = f"heads(aux2: {aux} | main: {behind} -> {classifier})"
        classifier = f"heads(aux1: {aux} | main: {between} -> {classifier})"
    else:
        before = _chain(before, between, behind)
    notes = (f"small images: {left_out} of the network's {_HALVINGS} halvings are left out",) if left_out else ()
    return Arrows({"features": before, "classifier": classifier}, notes)


def write_small(input: Image, *, classes: int) -> Arrows:
    """Write two convolutions, each with pooling, ReLU and an Inception module behind it, and one connected layer.

    Images of another size than 28x28 are resized to it.

    Args:
        input: the images.
        classes: the outputs.
    """
    sides = (input.height, input.width)
    resized = sides != (28, 28)
    steps = ["upsample(to=28x28, mode=bilinear)"] * resized
    for maps, before, after in ((10, "24x24x10", "12x12"), (20, "8x8x20", "4x4")):
        branches = (
            "conv(16, 1x1)",
            "conv(16, 1x1) -> conv(24, 5x5, padding=2)",
            "conv(16, 1x1) -> conv(24, 3x3, padding=1) -> conv(24, 3x3, padding=1)",
            "avgpool(3x3, stride=1, padding=1) -> conv(24, 1x1)",
        )
        steps += [
            f"conv({maps}, 5x5)",
            before,
            "maxpool(2x2)",
            "relu",
            f"concat({' | '.join(branches)})",
            f"{after}x88",
        ]
    notes = (f"images are resized from {sides[0]}x{sides[1]} to 28x28",) if resized else ()
    return Arrows({"features": " -> ".join(steps), "classifier": f"flatten -> 1408 -> fc({classes})"}, notes)


def _halved(input: Image) -> tuple[list[tuple[int, int]], int]:
    """Return the sides before and after each halving, and how many of the first are left out."""
    kept = _HALVINGS
    while kept and min(input.height, input.width) <= (_SMALLEST - 1) << kept:
        kept -= 1
    sizes = [(input.height, input.width)]
    for number in range(_HALVINGS):
        height, width = sizes[-1]
        halves = number >= _HALVINGS - kept
        sizes.append((-(-height // 2), -(-width // 2)) if halves else (height, width))
    return sizes, _HALVINGS - kept


def _pools(make: _Make, sizes: list[tuple[int, int]], left_out: int) -> list[str]:
    """Return the four poolings, nothing for one that is left out."""
    kernels = ("3x3", "3x3", "3x3", "3x3" if make.form == "paper" else "2x2")
    maps = (make.maps(64), make.maps(192), make.gives("3b"), make.gives("4e"))
    pools = [
        f"maxpool({kernel}, stride=2, padding=same) -> {_shape(size, count)}"
        for kernel, size, count in zip(kernels, sizes[2:], maps, strict=True)
    ]
    return ["" if number < left_out else pool for number, pool in enumerate(pools, start=1)]


def _stem(make: _Make, sizes: list[tuple[int, int]], pools: list[str]) -> str:
    """Return the arrows before the first module."""
    norm = "lrn" if make.form == "paper" else ""
    stride = ", stride=2" if sizes[0] != sizes[1] else ""
    one, three = make.maps(64), make.maps(192)
    first = make.conv(one, f"7x7{stride}, padding=3")
    reduced, second = make.conv(one, "1x1"), make.conv(three, "3x3, padding=1")
    return _chain(
        first, _shape(sizes[1], one), pools[0], norm, reduced, second, norm, _shape(sizes[2], three), pools[1]
    )


def _inceptions(make: _Make, size: tuple[int, int], *names: str) -> str:
    """Return modules with the shape behind each."""
    steps = []
    for name in names:
        one, reduced3, three, reduced5, five, pooled = make.module(name)
        wide = "5x5, padding=2" if make.form == "paper" else "3x3, padding=1"
        branches = (
            make.conv(one, "1x1"),
            f"{make.conv(reduced3, '1x1')} -> {make.conv(three, '3x3, padding=1')}",
            f"{make.conv(reduced5, '1x1')} -> {make.conv(five, wide)}",
            f"maxpool(3x3, stride=1, padding=1) -> {make.conv(pooled, '1x1')}",
        )
        steps += [f"concat({' | '.join(branches)})", _shape(size, make.gives(name))]
    return " -> ".join(steps)


def _auxiliary(make: _Make, size: tuple[int, int], classes: int) -> str:
    height, width = (min(5, side) for side in size)
    first = make.conv(make.maps(128), "1x1")
    steps = [f"avgpool({height}x{width}, stride=3)", first, f"fc({make.maps(1024)}, init=he)", "relu", "dropout(0.7)"]
    return " -> ".join([*steps, f"fc({classes})"])


def _chain(*steps: str) -> str:
    return " -> ".join(step for step in steps if step)


def _shape(size: tuple[int, int], maps: int) -> str:
    return f"{size[0]}x{size[1]}x{maps}"


ENTRIES = (
    Entry(
        "googlenet",
        "GoogLeNet (Inception v1): nine modules of 1x1, 3x3 and 5x5 convolutions and pooling side by side",
        "Szegedy et al., Going deeper with convolutions, CVPR 2015",
        write,
        (Image,),
        Image(224, 224, 3),
        1000,
        {
            "parameters": 6_998_552,
            "parameters of form=published": 6_624_904,
            "ImageNet top-5 error": "6.67 % (first in ILSVRC 2014, classification; seven networks, 144 crops: table 2)",
        },
    ),
    Entry(
        "inception-small",
        "small Inception net: two convolutions, two Inception modules of 16 + 24 + 24 + 24 maps, one connected layer",
        "the modules of Szegedy et al., Going deeper with convolutions, CVPR 2015, at the size of lecture notes",
        write_small,
        (Image,),
        Image(28, 28, 1),
        10,
        {"parameters": 97_298},
    ),
)
