"""Samples as people see them: images as pixels, texts as text, windows of a series as a line.

Shape letters: C channels, H height, W width, F features, T time.
"""

import base64
import io
import math
from xml.etree.ElementTree import Element

import numpy as np
import torch
from PIL import Image as PillowImage
from torch import Tensor

from pellucid.data.dataset import Dataset
from pellucid.data.images.images import ImagePreprocessing
from pellucid.data.series.preprocessing import SeriesPreprocessing
from pellucid.data.texts.text import TextLinesPreprocessing, TextPreprocessing
from pellucid.report.markup import element
from pellucid.report.numbers import shortened
from pellucid.shapes import Image

_CRISP = 96  # pixels a side up to which an image is shown pixel by pixel
_THUMBNAIL = 176
_MOST_TEXT = 240
_MOST_STEPS = 200


def picture(data: Dataset, row: int) -> Element | None:
    """Return a stored sample as an image, a quotation or a line; None where it is a row of numbers."""
    if not 0 <= row < len(data.inputs):
        return None
    stored = data.inputs[row]
    match data.preprocessing:
        case ImagePreprocessing():
            return _image(stored.to(torch.uint8))
        case TextLinesPreprocessing(vocabulary=vocabulary) | TextPreprocessing(vocabulary=vocabulary):
            return element("p", shortened(vocabulary.decode(stored.long()), _MOST_TEXT), class_="quoted mono")
        case SeriesPreprocessing():
            return _line(stored[0].tolist(), f"the {stored.shape[-1]} steps the network saw")
    if isinstance(data.input_shape, Image) and stored.ndim == 3 and stored.shape[0] in {1, 3}:
        return _image(_as_pixels(stored))
    return None


def as_image(pixels_CHW: Tensor, alternative: str) -> Element:
    """Return uint8 pixels as an image, with what it shows in words."""
    made = _image(pixels_CHW)
    made.set("alt", alternative)
    return made


def _as_pixels(values_CHW: Tensor) -> Tensor:
    """Return numbers of any range as uint8 pixels, the least black, the greatest white."""
    values = values_CHW.double()
    low, high = values.min(), values.max()
    return ((values - low) / (high - low).clamp(min=1e-12) * 255).round().to(torch.uint8)


def _image(pixels_CHW: Tensor) -> Element:
    pixels_HWC = np.ascontiguousarray(pixels_CHW.permute(1, 2, 0).numpy())
    image = PillowImage.fromarray(pixels_HWC[:, :, 0] if pixels_HWC.shape[2] == 1 else pixels_HWC)
    small = max(image.size) <= _CRISP
    written = io.BytesIO()
    if small:
        image.save(written, "PNG", optimize=True)
    else:  # a photograph as PNG would be ten times as large
        image.thumbnail((_THUMBNAIL, _THUMBNAIL))
        image.save(written, "JPEG", quality=82)
    content = base64.b64encode(written.getvalue()).decode()
    return element(
        "img",
        src=f"data:image/{'png' if small else 'jpeg'};base64,{content}",
        alt="the input",
        width=image.width,
        height=image.height,
        class_="crisp" if small else None,
    )


def _line(values_T: list[float], alternative: str) -> Element | None:
    values = [value for value in values_T if math.isfinite(value)][-_MOST_STEPS:]
    if len(values) < 2:
        return None
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    points = " ".join(
        f"{200 * place / (len(values) - 1):.1f},{5 + 90 * (high - value) / span:.1f}"
        for place, value in enumerate(values)
    )
    line = element("polyline", points=points, fill="none", stroke="var(--blue)", stroke_width="2")
    return element("svg", line, viewBox="-3 0 206 100", role="img", aria_label=alternative, preserveAspectRatio="none")
