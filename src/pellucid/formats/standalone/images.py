"""Images to a network's input as in training. Needs numpy, Pillow and torch, not pellucid.

    names, inputs = read("photo.png", json.loads(Path("preprocessing.json").read_text())["input"])

Reads an image file, a folder of them, a list of files, or an array of bytes (N, H, W) or (N, H, W, C).
Shape letters: N images, C channels (1 grey, 3 RGB), H height, W width.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps

ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"}


def read(
    source: str | Path | Sequence[Any] | np.ndarray, description: Mapping[str, Any]
) -> tuple[list[str], torch.Tensor]:
    """Return a name and the network's input for each image, float32 (N, C, H, W): (x / 255 - mean) / std."""
    names, images = _opened(source, description)
    pixels = torch.from_numpy(np.stack([pixels_of(image, description) for image in images]))
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


def _opened(source: Any, description: Mapping[str, Any]) -> tuple[list[str], list[Image.Image]]:
    if isinstance(source, np.ndarray):
        return [str(number) for number in range(len(source))], [Image.fromarray(_squeezed(one)) for one in source]
    paths = [Path(path) for path in source] if isinstance(source, list | tuple) else [Path(source)]
    if len(paths) == 1 and paths[0].is_dir():
        paths = sorted(path for path in paths[0].rglob("*") if path.suffix.lower() in ENDINGS)
    longest = 2 * max(description["height"], description["width"])
    images: list[Image.Image] = []
    for path in paths:
        image = Image.open(path)
        image.draft(None, (longest, longest))  # a JPEG is decoded at a fraction where that is enough
        images.append(image)
    return [str(path) for path in paths], images


def _squeezed(pixels: np.ndarray) -> np.ndarray:
    return pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] == 1 else pixels


def _flat(image: Image.Image) -> Image.Image:
    """Return an image without transparency and with 8 bits a channel."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        opaque = Image.new("RGBA", image.size, "white")
        opaque.alpha_composite(image.convert("RGBA"))
        return opaque.convert("RGB")
    return image
