"""What the axes of an array of samples mean, told by their number, sizes and type.

Shape letters: N samples, F features, T time, C channels, H height, W width.
"""

from typing import Literal

import torch
from torch import Tensor

from pellucid.errors import DataError
from pellucid.shapes import Features, Image, Sequence, Shape

Layout = Literal["scalars", "features", "sequences", "grey images", "channels first", "channels last"]

# Images are grey, grey with transparency, colour or colour with transparency; no image is so few pixels wide.
_MOST_CHANNELS = 4


def recognise(inputs: Tensor, *, prefer: Layout) -> Layout:
    """Return what the axes mean.

    (N,) are single numbers, (N, F) rows, (N, T, F) sequences, or (N, H, W) grey images if they are bytes; of four
    axes the one of at most 4 is the channels, and `prefer` decides where both or neither could be.

    Raises:
        DataError: no axis of samples, or more than four axes.
    """
    match inputs.ndim:
        case 1:
            return "scalars"
        case 2:
            return "features"
        case 3:
            return "grey images" if inputs.dtype == torch.uint8 else "sequences"
        case 4:
            first, last = inputs.shape[1] <= _MOST_CHANNELS, inputs.shape[3] <= _MOST_CHANNELS
            if first == last:
                return prefer
            return "channels first" if first else "channels last"
    raise DataError(
        f"inputs with {inputs.ndim} axes cannot be read",
        expected="(N, features), (N, time, features), (N, height, width, channels) or (N, channels, height, width)",
        received=str(tuple(inputs.shape)),
        advice="flatten what is not an image or a sequence: X.reshape(len(X), -1)",
    )


def arrange(inputs: Tensor, layout: Layout) -> Tensor:
    """Return the inputs in torch's layout: (N, F), (N, T, F) or (N, C, H, W)."""
    match layout:
        case "scalars":
            return inputs[:, None]
        case "grey images":
            return inputs[:, None]
        case "channels last":
            return inputs.permute(0, 3, 1, 2).contiguous()
    return inputs


def shape_of(arranged: Tensor) -> Shape:
    """Return the shape of one sample of arranged inputs."""
    match arranged.shape[1:]:
        case (features,):
            return Features(features)
        case (length, features):
            return Sequence(features, length)
        case (channels, height, width):
            return Image(height, width, channels)
    raise AssertionError(f"arranged inputs have 2 to 4 axes, these {tuple(arranged.shape)}")


def note(inputs: Tensor, layout: Layout) -> str:
    """Return one line on how the axes were read."""
    sizes = " x ".join(map(str, inputs.shape))
    meaning = {
        "scalars": "samples of one number",
        "features": "samples x features",
        "sequences": "samples x time x features",
        "grey images": "samples x height x width, grey",
        "channels first": "samples x channels x height x width",
        "channels last": "samples x height x width x channels",
    }[layout]
    return f"inputs: {sizes} read as {meaning}"


def as_pixels(images: Tensor) -> Tensor | None:
    """Return images as the bytes they came from (grey or RGB, 0..255, or k/255 in 0..1), uint8, else None.

    Stored as bytes they take a quarter of the memory, and new image files can be predicted as well as arrays.
    """
    if images.shape[1] not in (1, 3):
        return None
    if images.dtype == torch.uint8:
        return images
    if not images.is_floating_point() or not images.numel():
        return None
    low, high = images.aminmax()
    if low < 0 or high > 255:
        return None
    scaled = images * 255 if high <= 1 else images
    rounded = scaled.round()
    # float32 k / 255 * 255 is within 2e-5 of k
    return rounded.to(torch.uint8) if bool(((scaled - rounded).abs() < 1e-4).all()) else None
