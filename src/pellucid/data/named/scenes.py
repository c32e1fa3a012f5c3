"""Scenes to be taken apart pixel by pixel: real handwritten digits thrown onto a canvas with clutter, always the same.

Each of the 1,797 digits that scikit-learn bundles stands in one scene only, three to a scene: however the scenes are
split, no digit is both learned from and judged on.

Shape letters: N scenes, H height, W width.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets

SIDE = 32
NAMES = ("background", *"0123456789")

_DIGIT = 8
_EACH = 3
_INK = 4  # of 16: what is fainter is the blur of the scan around a stroke
_STROKES = 6
_NOISE = 12.0

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Scenes:
    """Pixels (N, H, W) and the class of each pixel (N, H, W), an index into `NAMES`."""

    pixels: Bytes
    masks: Bytes


def scenes() -> Scenes:
    """Return 599 scenes of 32x32 pixels: three digits that do not touch, six short strokes, and noise.

    A pixel is a digit's where the digit has at least a quarter of its full ink; all else, the strokes too, is
    background. Strokes are as dark as digits, so that ink alone tells nothing.
    """
    bunch = datasets.load_digits()
    draw = np.random.default_rng(0)
    order = draw.permutation(len(bunch.images)).reshape(-1, _EACH)
    pixels = np.zeros((len(order), SIDE, SIDE), np.uint8)
    masks = np.zeros_like(pixels)
    for number, chosen in enumerate(order):
        canvas = np.zeros((SIDE, SIDE))
        places = _apart(draw)
        for digit, (top, left) in zip(chosen, places, strict=True):
            image = bunch.images[digit]
            there = np.s_[top : top + _DIGIT, left : left + _DIGIT]
            canvas[there] = image * (255 / 16)
            masks[number][there] = np.where(image >= _INK, 1 + bunch.target[digit], 0)
        free = _free(places)
        for _ in range(_STROKES):
            _stroke(draw, canvas, free)
        noisy = canvas + draw.normal(0, _NOISE, canvas.shape)
        pixels[number] = np.clip(np.round(noisy), 0, 255).astype(np.uint8)
    return Scenes(pixels, masks)


def _apart(draw: np.random.Generator) -> list[tuple[int, int]]:
    """Return the upper left corners of squares that do not overlap."""
    while True:
        corners = draw.integers(0, SIDE - _DIGIT + 1, (_EACH, 2))
        gaps = np.abs(corners[:, None] - corners).max(2) + SIDE * np.eye(_EACH, dtype=int)
        if gaps.min() >= _DIGIT:
            return [(int(top), int(left)) for top, left in corners]


def _free(places: list[tuple[int, int]]) -> NDArray[np.bool_]:
    """Return where no digit stands."""
    free = np.ones((SIDE, SIDE), dtype=bool)
    for top, left in places:
        free[top : top + _DIGIT, left : left + _DIGIT] = False
    return free


def _stroke(draw: np.random.Generator, canvas: NDArray[np.float64], free: NDArray[np.bool_]) -> None:
    """Draw a line of 3 to 7 pixels, as dark as a digit's, where no digit stands."""
    start, angle = draw.uniform(0, SIDE, 2), draw.uniform(0, np.pi)
    along = np.arange(draw.integers(3, 8))[:, None] * [np.sin(angle), np.cos(angle)]
    rows, columns = np.round(start + along).astype(int).clip(0, SIDE - 1).T
    open_ = free[rows, columns]
    canvas[rows[open_], columns[open_]] = draw.uniform(100, 255)
