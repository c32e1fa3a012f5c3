"""What an address holds of the exhibit, and what the page may ask beside it."""

from typing import Annotated, Literal

from pydantic import Field

from pellucid.studio.exhibit import Action, Settings

LAYERS = (
    "conv(6, 3x3, padding=same) -> relu -> conv(6, 3x3, padding=same) -> relu -> maxpool(2x2)"
    " -> conv(8, 3x3, padding=same) -> relu -> maxpool(2x2) -> fc(10)"
)
"""Those that are trained in the page at first, behind the image."""
MOST_KEPT = 1 << 14
"""Numbers of an own image that an address holds: 128x128 grey ones, 64x64 in colour."""
_IN_BASE64 = 4 * (MOST_KEPT // 3 + 1)

Place = tuple[Annotated[int, Field(ge=0, lt=10_000)], Annotated[int, Field(ge=0, lt=10_000)]]


class InsideSettings(Settings):
    """Which network looks at which image, and what of it is looked at.

    Attributes:
        network: trained here from arrows or by its name in the zoo, the one the studio was opened with, or a run's;
            None: the one the studio was opened with if there is one, else arrows.
        arrows: the layers behind the image.
        zoo, run: which one.
        rate: log10 of Adam's learning rate.
        before: optimiser steps taken before the page is seen first.
        image: which of the samples kept out of training, from 0.
        pixels: an own image in base64, bytes (C, H, W); empty for a sample.
        first: the first sample of those offered.
        layer, channel: the map that is looked at, from 0.
        at: row and column of the unit; None for the one that responds most.
        target: the output that is explained; None for the greatest.
        method: by which it is.
    """

    network: Literal["arrows", "zoo", "given", "run"] | None = None
    arrows: str = Field(LAYERS, max_length=4_000)
    zoo: str = Field("lenet5", max_length=40)
    run: str = Field("", max_length=200)
    rate: float = Field(-2.0, ge=-5.0, le=0.0)
    before: int = Field(170, ge=0, le=1_000)
    image: int = Field(0, ge=0, lt=10_000_000)
    pixels: str = Field("", max_length=_IN_BASE64)
    first: int = Field(0, ge=0, lt=10_000_000)
    layer: int = Field(2, ge=0, lt=2_000)
    channel: int = Field(0, ge=0, lt=100_000)
    at: Place | None = None
    target: int | None = Field(None, ge=0, lt=100_000)
    method: Literal["saliency", "integrated", "occlusion"] = "saliency"


OF_THE_NETWORK = ("seed", "network", "arrows", "zoo", "run", "rate", "before")
"""Settings that make another network; the others only look at it."""


class Show(Action):
    """Show the network an own image, as bytes (C, H, W) in base64: decoded by the browser, or drawn."""

    kind: Literal["show"]
    pixels: str = Field(max_length=1 << 20)


class Sample(Action):
    """Show the network one of the samples."""

    kind: Literal["sample"]
    image: int = Field(ge=0, lt=10_000_000)


class Mistake(Action):
    """Go on to the next sample that the network takes for another class."""

    kind: Literal["mistake"]
