"""One image file as pixels: opened by Pillow, turned upright, grey or RGB, of the asked size.

Shape letters: C channels (1 grey, 3 RGB), H height, W width.
"""

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps
from torch import Tensor

from pellucid.errors import DataError

Pixels = npt.NDArray[np.uint8]

ENDINGS = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".avif", ".tga"),
)

_GREY_MODES = frozenset(("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N"))
_EXIF_ORIENTATION = 0x0112


class UnreadableImageError(Exception):
    """The file holds no image that can be used; the text says why."""


def read_image(content: bytes, height: int, width: int, channels: int) -> tuple[Pixels, bool]:
    """Decode a file's bytes.

    Returns:
        The pixels, uint8 (C, H, W), and whether the image has colours (decided before it is made grey).

    Raises:
        UnreadableImageError: not an image, cut off, damaged, or too large to be meant seriously.
    """
    if not content:
        raise UnreadableImageError("an empty file")
    try:
        with Image.open(BytesIO(content)) as image:
            _refuse_bomb(image)
            # a JPEG can be decoded at half, a quarter or an eighth; twice the asked size keeps the resizing smooth
            image.draft(None, (2 * max(height, width), 2 * max(height, width)))
            return to_pixels(image, height, width, channels), has_colour(image)
    except Exception as error:  # decoders of damaged files raise whatever they stumble over
        raise UnreadableImageError(_reason(error)) from error


def read_size(file: Path) -> tuple[int, int]:
    """Return height and width (upright) from a file's head; the pixels stay undecoded.

    Raises:
        UnreadableImageError: not an image.
    """
    try:
        with Image.open(file) as image:
            width, height = image.size
            lies_on_its_side = image.getexif().get(_EXIF_ORIENTATION, 1) >= 5
            return (width, height) if lies_on_its_side else (height, width)
    except Exception as error:  # as above
        raise UnreadableImageError(_reason(error)) from error


def to_pixels(image: Image.Image, height: int, width: int, channels: int) -> Pixels:
    """Return an image as uint8 (C, H, W): upright, on white where transparent, stretched to the size.

    The whole image is kept: other proportions are stretched, not cut off.
    """
    flat = _flatten(ImageOps.exif_transpose(image)).convert("L" if channels == 1 else "RGB")
    if flat.size != (width, height):
        flat = flat.resize((width, height), Image.Resampling.BILINEAR)
    pixels_HWC = np.asarray(flat, np.uint8).reshape(height, width, channels)
    return pixels_HWC.transpose(2, 0, 1)


def from_array(array: npt.NDArray[Any] | Tensor) -> list[Image.Image]:
    """Return the images of an array (H, W), (N, H, W), (H, W, C), (N, H, W, C) or a tensor (C, H, W), (N, C, H, W).

    Raises:
        DataError: another shape, or values that are neither whole numbers 0..255 nor fractions 0..1.
    """
    given = tuple(array.shape)
    axes: tuple[int, ...]
    if isinstance(array, Tensor):
        layout, axes = "a tensor (C, H, W) or (N, C, H, W)", (3, 4)
        array = array.detach().cpu().numpy()
        array = np.moveaxis(array, -3, -1) if array.ndim in axes else array
    else:
        layout, axes = "an array (H, W), (N, H, W), (H, W, C) or (N, H, W, C)", (2, 3, 4)
        many_grey = array.ndim == 3 and array.shape[-1] > 4  # no image has so many channels, nor is any so narrow
        array = array[..., None] if array.ndim == 2 or many_grey else array
    if len(given) not in axes or array.shape[-1] not in (1, 3, 4) or 0 in given:
        raise DataError(
            "an image cannot have this shape", expected=f"{layout} with 1, 3 or 4 channels", received=str(given)
        )
    array = array[None] if array.ndim == 3 else array
    low, high = float(array.min()), float(array.max())
    fractions = np.issubdtype(array.dtype, np.floating)
    limit = 1 if fractions else 255
    if not (low >= 0 and high <= limit):  # so written that NaN is refused too
        raise DataError(
            "these values are no pixels",
            expected="whole numbers 0..255 or floating-point numbers 0..1",
            received=f"{array.dtype} from {low:g} to {high:g}",
        )
    whole = np.round(array * 255).astype(np.uint8) if fractions else array.astype(np.uint8)
    return [Image.fromarray(one[:, :, 0] if one.shape[-1] == 1 else one) for one in whole]


def has_colour(image: Image.Image) -> bool:
    """Return whether the image's mode (or its palette) can show colours."""
    if image.mode == "P":
        palette = np.asarray(image.getpalette("RGB") or [0, 0, 0]).reshape(-1, 3)
        return bool((palette != palette[:, :1]).any())
    return image.mode not in _GREY_MODES


def parse_size(text: str) -> tuple[int, int]:
    """Return height and width of `32x48` or `64`.

    >>> parse_size("32x48"), parse_size("64")
    ((32, 48), (64, 64))

    Raises:
        DataError: the text is neither, or no image is so large.
    """
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) not in (1, 2) or not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise DataError(
            f"the size '{text}' cannot be read", expected="height x width, such as 32x32, or 64", received=text
        )
    height, width = int(parts[0]), int(parts[-1])
    if Image.MAX_IMAGE_PIXELS is not None and height * width > Image.MAX_IMAGE_PIXELS:
        raise DataError(
            f"the size '{text}' is too large",
            expected=f"at most {Image.MAX_IMAGE_PIXELS:,} pixels",
            received=f"{height * width:,} pixels",
        )
    return height, width


@contextmanager
def strict_pillow() -> Iterator[None]:
    """Let Pillow refuse what is too large, and be silent about what it could repair.

    Pillow warns above `Image.MAX_IMAGE_PIXELS` and refuses above twice that; here both are refused, by name.
    Filters are the process's: entered once around all threads, never in one of them.
    """
    logger, silent = logging.getLogger("PIL"), logging.NullHandler()
    logger.addHandler(silent)  # where nobody listens, Python would print its errors without saying of which file
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    finally:
        logger.removeHandler(silent)


def _refuse_bomb(image: Image.Image) -> None:
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and image.width * image.height > limit:
        raise UnreadableImageError(_too_large(image.width * image.height, limit))


def _too_large(claimed: int, limit: int) -> str:
    return f"it claims {claimed:,} pixels, more than the {limit:,} that are decoded (a decompression bomb?)"


def _flatten(image: Image.Image) -> Image.Image:
    """Return the image without transparency and with 8 bits a channel."""
    if image.mode in ("I", "I;16", "I;16L", "I;16B", "I;16N"):
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 0xFFFF:
            raise UnreadableImageError("its pixels are 32-bit numbers without a known range")
        return Image.fromarray((values.astype(np.uint32) >> 8).astype(np.uint8))
    if image.mode == "F":
        raise UnreadableImageError("its pixels are floating-point numbers without a known range")
    if image.has_transparency_data:
        opaque = Image.new("RGBA", image.size, "white")
        opaque.alpha_composite(image.convert("RGBA"))
        return opaque.convert("RGB")
    return image


def _reason(error: Exception) -> str:
    if isinstance(error, UnreadableImageError):
        return str(error)
    if type(error).__name__ == "UnidentifiedImageError":
        return "not an image"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        claimed = re.search(r"\d+", str(error))
        return _too_large(int(claimed[0]), Image.MAX_IMAGE_PIXELS or 0) if claimed else "too large"
    return str(error) or type(error).__name__
