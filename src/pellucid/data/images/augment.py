"""Image changes that leave the class as it is: shift, nudge, crop, flip, rotate, scale, shear, brightness, erase.

A change is drawn for each image of a prepared batch from a generator and done to the whole batch in a few tensor
operations. Numbers are drawn on the generator's device and used on the batch's: a CPU generator gives the same
changes wherever the batch is.

Shape letters: B batch, C channels, H height, W width.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from itertools import groupby

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from pellucid.errors import OptionError, nearest
from pellucid.shapes import Image

Change = Callable[[Tensor, Generator], Tensor]


def augmenter(spec: str, shape: Image) -> Change:
    """Return the function that changes a prepared batch as `spec` says.

    Args:
        spec: words with an optional strength, done in their order: `shift=2,flip,rotate=10`; or `none`.
        shape: of the images.

    Returns:
        A function of a float batch (B, C, H, W) and a generator, which returns a batch of the same shape, type and
        device; the batch given is not changed.

    Raises:
        OptionError: an unknown word (the nearest is offered) or a strength out of range.

    >>> change = augmenter("shift=2,flip", Image(28, 28, 1))
    >>> change(torch.zeros(5, 1, 28, 28), torch.Generator().manual_seed(0)).shape
    torch.Size([5, 1, 28, 28])
    """
    parts = [part.strip() for part in spec.split(",")]
    if parts == ["none"]:
        return _leave
    asked = [_parse(part, shape) for part in parts]
    # at strength 0 the batch comes back as it is, to the bit: no resampling by the identity
    return partial(_change, [(word, strength) for word, strength in asked if strength])


def _change(asked: Sequence[tuple["_Word", float]], x_BCHW: Tensor, generator: Generator) -> Tensor:
    """Do the changes in their order; neighbours that only say where a pixel comes from are done by one resampling."""
    for affine, group in groupby(asked, key=lambda each: each[0].affine):
        if affine:
            x_BCHW = _resample(x_BCHW, reduce(_behind, [word.apply(x_BCHW, generator, by) for word, by in group]))
            continue
        for word, strength in group:
            x_BCHW = word.apply(x_BCHW, generator, strength)
    return x_BCHW


def shift(x_BCHW: Tensor, generator: Generator, most: float) -> Tensor:
    """Move each image by whole pixels, the border repeated: y[i, j] = x[clip(i - a), clip(j - b)], |a|, |b| <= most.

    The border's values fill the gap, so nothing enters that was not in the image.
    """
    height, width = x_BCHW.shape[2:]
    rows_BH = (torch.arange(height, device=x_BCHW.device) - _whole(x_BCHW, generator, int(most))).clamp_(0, height - 1)
    columns_BW = (torch.arange(width, device=x_BCHW.device) - _whole(x_BCHW, generator, int(most))).clamp_(0, width - 1)
    return _pick(x_BCHW, rows_BH, columns_BW)


def nudge(x_BCHW: Tensor, generator: Generator, most: float) -> Tensor:
    """Move each image by any part of a pixel: y(p) = x(p - a), each |a| <= most, bilinear, the border repeated.

    For small images, in which a whole pixel is a long way.
    """
    moved_B2 = torch.cat([_uniform(x_BCHW, generator, -most, most) for _ in range(2)], 1)
    return torch.cat([torch.eye(2, device=x_BCHW.device).expand(len(x_BCHW), 2, 2), -moved_B2[:, :, None]], 2)


def crop(x_BCHW: Tensor, generator: Generator, padding: float) -> Tensor:
    """Pad each image by `padding` zeros a side and cut its size out anywhere (He et al. 2016, section 4.2).

    A zero of a prepared image is the channel's mean.
    """
    by = int(padding)
    height, width = x_BCHW.shape[2:]
    rows_BH = torch.arange(height, device=x_BCHW.device) + by + _whole(x_BCHW, generator, by)
    columns_BW = torch.arange(width, device=x_BCHW.device) + by + _whole(x_BCHW, generator, by)
    return _pick(F.pad(x_BCHW, (by, by, by, by)), rows_BH, columns_BW)


def flip(x_BCHW: Tensor, generator: Generator, chance: float) -> Tensor:
    """Mirror each image left to right with a chance: y[i, j] = x[i, W - 1 - j]."""
    mirrored_B111 = (_uniform(x_BCHW, generator, 0, 1) < chance)[:, :, None, None]
    return torch.where(mirrored_B111, x_BCHW.flip(3), x_BCHW)


def rotate(x_BCHW: Tensor, generator: Generator, most: float) -> Tensor:
    """Turn each image about its centre by an angle of at most `most` degrees, bilinear, the border repeated.

    A pixel at p = (right, down) from the centre takes the value at R(-angle) p, R the rotation matrix: a positive angle
    turns clockwise.
    """
    angle_B = torch.deg2rad(_uniform(x_BCHW, generator, -most, most))[:, 0]
    cosine, sine = angle_B.cos(), angle_B.sin()
    return F.pad(torch.stack([cosine, sine, -sine, cosine], 1).view(-1, 2, 2), (0, 1))


def scale(x_BCHW: Tensor, generator: Generator, most: float) -> Tensor:
    """Enlarge each image about its centre by exp(u), |u| <= ln(1 + most), bilinear, the border repeated.

    Shrinking by some factor is as likely as enlarging by it.
    """
    reach = math.log1p(most)
    factor_B1 = _uniform(x_BCHW, generator, -reach, reach).neg_().exp_()
    return F.pad(factor_B1[:, :, None] * torch.eye(2, device=x_BCHW.device), (0, 1))


def shear(x_BCHW: Tensor, generator: Generator, most: float) -> Tensor:
    """Slant each image about its centre, bilinear, the border repeated: y(right, down) = x(right - u down, down).

    |u| <= most.
    """
    slant_B1 = _uniform(x_BCHW, generator, -most, most)
    one_B1, zero_B1 = torch.ones_like(slant_B1), torch.zeros_like(slant_B1)
    return F.pad(torch.cat([one_B1, -slant_B1, zero_B1, one_B1], 1).view(-1, 2, 2), (0, 1))


def brightness(x_BCHW: Tensor, generator: Generator, most: float) -> Tensor:
    """Add one number to all of an image: y = x + u, |u| <= most, in standard deviations of the training pixels."""
    added_B111 = _uniform(x_BCHW, generator, -most, most).to(x_BCHW)[:, :, None, None]
    return x_BCHW + added_B111


def erase(x_BCHW: Tensor, generator: Generator, most: float) -> Tensor:
    """Set a rectangle of each image to zero, the channel's mean (random erasing, Zhong et al. 2020).

    The rectangle covers a share of at most `most` of the image, is up to twice as long as wide, and lies wholly inside.
    """
    height, width = x_BCHW.shape[2:]
    area_B1 = _uniform(x_BCHW, generator, 0, most) * height * width
    stretch_B1 = _uniform(x_BCHW, generator, -math.log(2) / 2, math.log(2) / 2).exp_()
    tall_B1 = ((area_B1.sqrt() * stretch_B1).round_()).clamp_(max=height)
    wide_B1 = ((area_B1.sqrt() / stretch_B1).round_()).clamp_(max=width)
    top_B1 = (_uniform(x_BCHW, generator, 0, 1) * (height - tall_B1 + 1)).floor_()
    left_B1 = (_uniform(x_BCHW, generator, 0, 1) * (width - wide_B1 + 1)).floor_()
    rows_BH = _between(torch.arange(height, device=x_BCHW.device), top_B1, tall_B1)
    columns_BW = _between(torch.arange(width, device=x_BCHW.device), left_B1, wide_B1)
    erased_B1HW = (rows_BH[:, :, None] & columns_BW[:, None, :])[:, None]
    return x_BCHW.masked_fill(erased_B1HW, 0)


@dataclass(frozen=True, slots=True)
class _Word:
    """A change by its name: the function, its usual strength for images of a size, and the strength's range.

    Where it is affine, the function gives not the changed images but where their pixels come from, as `_resample` does.
    """

    apply: Callable[[Tensor, Generator, float], Tensor]
    usual: Callable[[Image], float]
    most: Callable[[Image], float]
    whole: bool = False
    affine: bool = False


def _eighth(shape: Image) -> float:
    return max(1, min(shape.height, shape.width) // 8)


def _side(shape: Image) -> float:
    return min(shape.height, shape.width)


WORDS = {
    "shift": _Word(shift, _eighth, _side, whole=True),
    "nudge": _Word(nudge, lambda _: 0.5, _side, affine=True),
    "crop": _Word(crop, _eighth, _side, whole=True),
    "flip": _Word(flip, lambda _: 0.5, lambda _: 1.0),
    "rotate": _Word(rotate, lambda _: 10.0, lambda _: 180.0, affine=True),
    "scale": _Word(scale, lambda _: 0.1, lambda _: 1.0, affine=True),
    "shear": _Word(shear, lambda _: 0.2, lambda _: 1.0, affine=True),
    "brightness": _Word(brightness, lambda _: 0.2, lambda _: math.inf),
    "erase": _Word(erase, lambda _: 0.25, lambda _: 1.0),
}


def _parse(part: str, shape: Image) -> tuple[_Word, float]:
    name, _, strength_text = (text.strip() for text in part.partition("="))
    if name not in WORDS:
        raise OptionError(
            f"there is no image change '{name}'",
            expected="words of " + ", ".join(WORDS) + ", with or without a strength (shift=2), or none alone",
            received=part,
            advice=nearest(name, (*WORDS, "none")),
        )
    word = WORDS[name]
    try:
        strength = float(strength_text) if "=" in part else float(word.usual(shape))
    except ValueError:
        strength = math.nan
    if not 0 <= strength <= word.most(shape) or math.isinf(strength) or (word.whole and not strength.is_integer()):
        number = "a whole number" if word.whole else "a number"
        raise OptionError(
            f"the strength of '{name}' cannot be {strength_text!r}",
            expected=f"{number} from 0 to {word.most(shape):g}, such as {name}={word.usual(shape):g}",
            received=part,
        )
    return word, strength


def _leave(x_BCHW: Tensor, generator: Generator) -> Tensor:  # noqa: ARG001 - one signature for every change
    return x_BCHW


def _uniform(x_BCHW: Tensor, generator: Generator, low: float, high: float) -> Tensor:
    """Return one number an image, uniform in [low, high), float32 (B, 1), on the batch's device."""
    drawn_B1 = torch.rand(len(x_BCHW), 1, generator=generator, device=generator.device)
    return drawn_B1.to(x_BCHW.device) * (high - low) + low


def _whole(x_BCHW: Tensor, generator: Generator, most: int) -> Tensor:
    """Return one whole number an image, uniform in -most..most, int64 (B, 1), on the batch's device."""
    size = (len(x_BCHW), 1)
    return torch.randint(-most, most + 1, size, generator=generator, device=generator.device).to(x_BCHW.device)


def _pick(x_BCHW: Tensor, rows_BH: Tensor, columns_BW: Tensor) -> Tensor:
    """Return y[b, c, i, j] = x[b, c, rows[b, i], columns[b, j]]."""
    channels = x_BCHW.shape[1]
    rows_BCHW = rows_BH[:, None, :, None].expand(-1, channels, -1, x_BCHW.shape[3])
    picked_BCHW = x_BCHW.gather(2, rows_BCHW)
    columns_BCHW = columns_BW[:, None, None, :].expand(-1, channels, picked_BCHW.shape[2], -1)
    return picked_BCHW.gather(3, columns_BCHW)


def _behind(first_B23: Tensor, second_B23: Tensor) -> Tensor:
    """Return where the pixels of images changed twice come from: z(p) = y(N p + u) and y(q) = x(M q + t)."""
    moved_B2 = F.pad(first_B23[:, :, 2:], (2, 0))
    return first_B23[:, :, :2] @ second_B23 + moved_B2


def _resample(x_BCHW: Tensor, places_B23: Tensor) -> Tensor:
    """Return the images whose pixel at p = (right, down) from the centre takes the value at M p + t, in pixels.

    M is the first two columns of each image's matrix, t the third; bilinear, the border repeated.
    """
    height, width = x_BCHW.shape[2:]
    # grid_sample measures each axis in halves of its own side: the matrix is turned into those units
    unit_23 = torch.tensor([[1.0, height / width, 2 / width], [width / height, 1.0, 2 / height]])
    affine_B23 = (places_B23 * unit_23.to(places_B23.device)).to(x_BCHW)
    grid_BHW2 = F.affine_grid(affine_B23, list(x_BCHW.shape), align_corners=False)
    return F.grid_sample(x_BCHW, grid_BHW2, padding_mode="border", align_corners=False)


def _between(positions: Tensor, start_B1: Tensor, length_B1: Tensor) -> Tensor:
    return (positions >= start_B1) & (positions < start_B1 + length_B1)
