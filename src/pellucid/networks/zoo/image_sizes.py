"""Images of another size than a paper's: the smallest are enlarged until its poolings fit, and it is said so."""

from dataclasses import replace
from math import ceil

from pellucid.networks.zoo.entry import Arrows
from pellucid.shapes import Image


def at_least(input: Image, side: int) -> Image:
    """Return the image enlarged, as little as may be, until its shorter side is `side`; a larger one as it is."""
    shorter = min(input.height, input.width)
    if shorter >= side:
        return input
    height, width = (ceil(length * side / shorter) for length in (input.height, input.width))
    return Image(height, width, input.channels)


def behind_enlarging(arrows: Arrows, input: Image, enlarged: Image) -> Arrows:
    """Return arrows written for the enlarged image, behind the word that enlarges the input to it, with a note."""
    if enlarged == input:
        return arrows
    first, *_ = arrows.parts
    before, after = f"{input.height}x{input.width}", f"{enlarged.height}x{enlarged.width}"
    times = enlarged.height * enlarged.width / (input.height * input.width)
    note = (
        f"images are enlarged from {before} to {after}, as the poolings need it: {times:.3g} times the pixels"
        " (resnet20 and cnn take images of any size as they are)"
    )
    part = f"upsample(to={after}, mode=bilinear) -> {arrows.parts[first]}"
    return replace(arrows, parts={**arrows.parts, first: part}, notes=(*arrows.notes, note))
