"""Images to a network's input as in training. Needs numpy, Pillow and torch, not pellucid.

    names, inputs = read("photo.png", json.loads(Path("preprocessing.json").read_text())["input"])

Reads an image file, a folder of them, a list of files, or an array (H, W), (N, H, W), (H, W, C) or (N, H, W, C) of
whole numbers 0 to 255 or fractions 0 to 1. What holds no pixels is a ValueError.
Shape letters: N images, C channels (1 grey, 3 RGB), H height, W width.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps

ENDINGS = {
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".avif", ".tga"),
}


def read(
    source: str | Path | Sequence[Any] | np.ndarray, description: Mapping[str, Any]
) -> tuple[list[str], torch.Tensor]:
    """Return a name and the network's input for each image, float32 (N, C, H, W): (x / 255 - mean) / std."""
    if isinstance(source, np.ndarray):
        images = [pixels_of(image, description) for image in images_of(source)]
        names = [str(number) for number in range(len(images))]
    else:
        paths, names = files_of(source)
        images = [opened(path, description) for path in paths]
    pixels = torch.from_numpy(np.stack(images))
    mean = torch.tensor(description["mean"]).mul(255)[:, None, None]
    factor = torch.tensor(description["std"]).mul(255).reciprocal()[:, None, None]
    return names, (pixels.to(torch.float32) - mean) * factor


def pixels_of(image: Image.Image, description: Mapping[str, Any]) -> np.ndarray:
    """Return an image as bytes (C, H, W): upright, on white where transparent, stretched to the size of training."""
    flat = _flat(ImageOps.exif_transpose(image)).convert("L" if description["channels"] == 1 else "RGB")
    size = (description["width"], description["height"])
    if flat.size != size:
        flat = flat.resize(size, Image.Resampling.BILINEAR)
    pixels = np.asarray(flat, np.uint8).reshape(size[1], size[0], description["channels"])
    return pixels.transpose(2, 0, 1)


def opened(path: Path, description: Mapping[str, Any]) -> np.ndarray:
    """Return the pixels of an image file."""
    longest = 2 * max(description["height"], description["width"])
    try:
        with Image.open(path) as image:
            image.draft(None, (longest, longest))  # a JPEG is decoded at a fraction where that is enough
            return pixels_of(image, description)
    except Exception as error:  # decoders of damaged files raise whatever they stumble over
        raise ValueError(f"{path} cannot be read as an image: {error}") from error


def files_of(source: Any) -> tuple[list[Path], list[str]]:
    """Return the files to read, and what they are called: in a folder, by their places in it."""
    paths = [Path(path) for path in source] if isinstance(source, list | tuple) else [Path(source)]
    if len(paths) != 1 or not paths[0].is_dir():
        return paths, [str(path) for path in paths]
    folder = paths[0]
    found = [path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.name[0] != "."]
    found.sort(key=lambda path: path.relative_to(folder).parts)
    if not found:
        raise ValueError(f"there are no images in {folder}")
    return found, [str(path.relative_to(folder)) for path in found]


def images_of(array: np.ndarray) -> list[Image.Image]:
    """Return the images of an array of one or many."""
    many_grey = array.ndim == 3 and array.shape[-1] > 4  # no image has so many channels, nor is any so narrow
    array = array[..., None] if array.ndim == 2 or many_grey else array
    array = array[None] if array.ndim == 3 else array
    fractions = np.issubdtype(array.dtype, np.floating)
    in_range = array.size and array.min() >= 0 and array.max() <= (1 if fractions else 255)
    if array.ndim != 4 or array.shape[-1] not in (1, 3, 4) or not in_range:
        raise ValueError(f"these are no pixels of images: {array.dtype} {array.shape}")
    whole = np.round(array * 255).astype(np.uint8) if fractions else array.astype(np.uint8)
    return [Image.fromarray(one[:, :, 0] if one.shape[-1] == 1 else one) for one in whole]


def _flat(image: Image.Image) -> Image.Image:
    """Return an image without transparency and with 8 bits a channel."""
    if image.mode.startswith("I"):
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 0xFFFF:
            raise ValueError("its pixels are 32-bit numbers without a known range")
        return Image.fromarray((values.astype(np.uint32) >> 8).astype(np.uint8))
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers without a known range")
    if image.has_transparency_data:
        opaque = Image.new("RGBA", image.size, "white")
        opaque.alpha_composite(image.convert("RGBA"))
        return opaque.convert("RGB")
    return image
