"""Augmentation against slow references, one image and one pixel at a time, and by its properties.

Shape letters: B batch, C channels, H height, W width.
"""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Generator, Tensor

from pellucid.data.images.augment import WORDS, augmenter
from pellucid.errors import OptionError
from pellucid.shapes import Image

SHAPE = Image(9, 7, 2)
SPECS = (
    "shift=2",
    "nudge=1.5",
    "crop=3",
    "flip",
    "rotate=40",
    "scale=0.5",
    "shear=0.6",
    "brightness=0.7",
    "erase=0.5",
    "shift,flip,rotate,erase",
)


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def images(count: int = 6, seed: int = 1) -> Tensor:
    return torch.randn(count, SHAPE.channels, SHAPE.height, SHAPE.width, generator=seeded(seed))


def drawn_whole(generator: Generator, count: int, most: int) -> list[int]:
    return torch.randint(-most, most + 1, (count, 1), generator=generator).flatten().tolist()


def drawn(generator: Generator, count: int, low: float, high: float) -> list[float]:
    return (torch.rand(count, 1, generator=generator) * (high - low) + low).flatten().tolist()


def pixel_by_pixel(x_BCHW: Tensor, value: Callable[[int, int, int, int], float]) -> Tensor:
    y_BCHW = torch.empty_like(x_BCHW)
    for b, c, i, j in torch.cartesian_prod(*(torch.arange(size) for size in x_BCHW.shape)).tolist():
        y_BCHW[b, c, i, j] = value(b, c, i, j)
    return y_BCHW


def bilinear(x_HW: Tensor, row: float, column: float) -> float:
    """Interpolate between the four pixels around a place; outside, the border's pixels go on for ever."""
    height, width = x_HW.shape
    row, column = min(max(row, 0), height - 1), min(max(column, 0), width - 1)
    top, left = math.floor(row), math.floor(column)
    below, right = min(top + 1, height - 1), min(left + 1, width - 1)
    v, h = row - top, column - left
    upper = (1 - h) * float(x_HW[top, left]) + h * float(x_HW[top, right])
    lower = (1 - h) * float(x_HW[below, left]) + h * float(x_HW[below, right])
    return (1 - v) * upper + v * lower


def test_shift_moves_by_whole_pixels_and_repeats_the_border() -> None:
    x = images()
    random = seeded(5)
    down, right = drawn_whole(random, 6, 2), drawn_whole(random, 6, 2)
    expected = pixel_by_pixel(
        x, lambda b, c, i, j: float(x[b, c, min(max(i - down[b], 0), 8), min(max(j - right[b], 0), 6)])
    )
    assert torch.equal(augmenter("shift=2", SHAPE)(x, seeded(5)), expected)


def test_crop_cuts_out_of_the_image_padded_with_zeros() -> None:
    x = images()
    random = seeded(5)
    rows, columns = drawn_whole(random, 6, 3), drawn_whole(random, 6, 3)

    def value(b: int, c: int, i: int, j: int) -> float:
        i, j = i + rows[b], j + columns[b]
        return float(x[b, c, i, j]) if 0 <= i < 9 and 0 <= j < 7 else 0.0

    assert torch.equal(augmenter("crop=3", SHAPE)(x, seeded(5)), pixel_by_pixel(x, value))


def test_flip_mirrors_about_half_of_the_images() -> None:
    x = images(1000)
    y = augmenter("flip", SHAPE)(x, seeded())
    mirrored = (y == x.flip(3)).flatten(1).all(1)
    kept = (y == x).flatten(1).all(1)
    assert bool((mirrored ^ kept).all())
    assert 430 < int(mirrored.sum()) < 570


@pytest.mark.parametrize("degrees", [0.5, 40.0, 180.0])
def test_rotate_agrees_with_bilinear_interpolation_pixel_by_pixel(degrees: float) -> None:
    x = images()
    angles = [math.radians(angle) for angle in drawn(seeded(5), 6, -degrees, degrees)]

    def value(b: int, c: int, i: int, j: int) -> float:
        right, down = j - 3, i - 4
        cosine, sine = math.cos(angles[b]), math.sin(angles[b])
        return bilinear(x[b, c], -sine * right + cosine * down + 4, cosine * right + sine * down + 3)

    changed = augmenter(f"rotate={degrees}", SHAPE)(x, seeded(5))
    torch.testing.assert_close(changed, pixel_by_pixel(x, value), atol=1e-4, rtol=0)


def test_a_positive_angle_turns_clockwise() -> None:
    x = torch.randn(64, 1, 8, 8, generator=seeded())
    y = augmenter("rotate=180", Image(8, 8, 1))(x, seeded())
    angles = torch.tensor(drawn(seeded(), 64, -180, 180))
    nearest = int((angles.abs() - 90).abs().argmin())
    turned = torch.rot90(x[nearest], -1 if angles[nearest] > 0 else 1, (1, 2))
    assert torch.corrcoef(torch.stack([y[nearest].flatten(), turned.flatten()]))[0, 1] > 0.97


def test_scale_agrees_with_bilinear_interpolation_pixel_by_pixel() -> None:
    x = images()
    factors = [math.exp(u) for u in drawn(seeded(5), 6, -math.log(1.5), math.log(1.5))]
    assert min(factors) < 1 < max(factors)
    expected = pixel_by_pixel(
        x, lambda b, c, i, j: bilinear(x[b, c], (i - 4) / factors[b] + 4, (j - 3) / factors[b] + 3)
    )
    torch.testing.assert_close(augmenter("scale=0.5", SHAPE)(x, seeded(5)), expected, atol=1e-4, rtol=0)


def test_nudge_agrees_with_bilinear_interpolation_pixel_by_pixel() -> None:
    x, random = images(), seeded(5)
    right, down = drawn(random, 6, -1.5, 1.5), drawn(random, 6, -1.5, 1.5)
    expected = pixel_by_pixel(x, lambda b, c, i, j: bilinear(x[b, c], i - down[b], j - right[b]))
    torch.testing.assert_close(augmenter("nudge=1.5", SHAPE)(x, seeded(5)), expected, atol=1e-4, rtol=0)


def test_shear_agrees_with_bilinear_interpolation_pixel_by_pixel() -> None:
    x, slants = images(), drawn(seeded(5), 6, -0.6, 0.6)
    expected = pixel_by_pixel(x, lambda b, c, i, j: bilinear(x[b, c], i, j - slants[b] * (i - 4)))
    torch.testing.assert_close(augmenter("shear=0.6", SHAPE)(x, seeded(5)), expected, atol=1e-4, rtol=0)


def test_neighbouring_affine_words_are_one_resampling() -> None:
    """Turning and enlarging at once: bilinear interpolation at the places that come out, not interpolation twice."""
    x, random = images(), seeded(5)
    angles = [math.radians(angle) for angle in drawn(random, 6, -40, 40)]
    right, down = drawn(random, 6, -1.5, 1.5), drawn(random, 6, -1.5, 1.5)

    def value(b: int, c: int, i: int, j: int) -> float:
        x_, y_ = j - 3 - right[b], i - 4 - down[b]
        cosine, sine = math.cos(angles[b]), math.sin(angles[b])
        return bilinear(x[b, c], -sine * x_ + cosine * y_ + 4, cosine * x_ + sine * y_ + 3)

    changed = augmenter("rotate=40,nudge=1.5", SHAPE)(x, seeded(5))
    torch.testing.assert_close(changed, pixel_by_pixel(x, value), atol=1e-4, rtol=0)


def test_brightness_adds_one_number_to_an_image() -> None:
    x = images()
    added = augmenter("brightness=0.7", SHAPE)(x, seeded(5)) - x
    expected = torch.tensor(drawn(seeded(5), 6, -0.7, 0.7))[:, None, None, None].expand_as(x)
    torch.testing.assert_close(added, expected)


def test_erase_sets_one_rectangle_inside_the_image_to_zero() -> None:
    x = images(500).abs() + 1
    erased = augmenter("erase=0.5", SHAPE)(x, seeded()) == 0
    assert torch.equal(erased[:, 0], erased[:, 1])
    shares = erased[:, 0].flatten(1).double().mean(1)
    assert shares.max() < 0.65  # half, and what rounding each side adds
    assert 0.2 < shares.mean() < 0.3
    for mask_HW in erased[:, 0]:
        rows, columns = mask_HW.any(1), mask_HW.any(0)
        assert torch.equal(mask_HW, rows[:, None] & columns[None])
        assert int(rows.sum()) == 0 or torch.equal(
            rows.nonzero().diff(dim=0), torch.ones(int(rows.sum()) - 1, 1).long()
        )


@pytest.mark.parametrize("word", [*WORDS])
def test_strength_zero_leaves_the_batch_as_it_is(word: str) -> None:
    x = images()
    assert torch.equal(augmenter(f"{word}=0", SHAPE)(x, seeded()), x)


def test_none_leaves_the_batch_as_it_is() -> None:
    x = images()
    assert torch.equal(augmenter("none", SHAPE)(x, seeded()), x)


def test_flipping_twice_is_no_change() -> None:
    x = images()
    assert torch.equal(augmenter("flip=1,flip=1", SHAPE)(x, seeded()), x)
    assert torch.equal(augmenter("flip=1", SHAPE)(x, seeded()), x.flip(3))


@pytest.mark.parametrize("spec", SPECS)
def test_shape_type_and_the_given_batch_stay(spec: str) -> None:
    x = images()
    before = x.clone()
    y = augmenter(spec, SHAPE)(x, seeded())
    assert y.shape == x.shape
    assert y.dtype == x.dtype
    assert torch.equal(x, before)
    assert not torch.equal(y, x)
    assert augmenter(spec, SHAPE)(x.double(), seeded()).dtype == torch.float64


@pytest.mark.parametrize("spec", SPECS)
def test_the_same_seed_gives_the_same_images(spec: str) -> None:
    change, x = augmenter(spec, SHAPE), images()
    assert torch.equal(change(x, seeded(3)), change(x, seeded(3)))
    assert not torch.equal(change(x, seeded(3)), change(x, seeded(4)))


@pytest.mark.parametrize("spec", SPECS)
def test_an_image_is_changed_on_its_own(spec: str) -> None:
    x = images()
    other = x.clone()
    other[1:] = images(seed=9)[1:]
    change = augmenter(spec, SHAPE)
    assert torch.equal(change(x, seeded())[0], change(other, seeded())[0])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("spec", SPECS)
def test_a_cpu_generator_gives_the_same_images_on_every_device(spec: str) -> None:
    change, x = augmenter(spec, SHAPE), images()
    on_device = change(x.cuda(), seeded())
    assert on_device.is_cuda
    torch.testing.assert_close(on_device.cpu(), change(x, seeded()), atol=1e-4, rtol=1e-4)
    own = Generator("cuda").manual_seed(0)
    assert change(x.cuda(), own).shape == x.shape


@given(
    st.sampled_from(["shift=1", "shift=4", "flip", "shift,flip"]),
    st.integers(0, 2**32),
    st.integers(1, 5),
    st.tuples(st.integers(1, 3), st.integers(4, 9), st.integers(4, 9)),
)
@settings(max_examples=50, deadline=None)
def test_moving_and_mirroring_invent_no_values(spec: str, seed: int, count: int, size: tuple[int, int, int]) -> None:
    channels, height, width = size
    x = torch.arange(count * channels * height * width).view(count, *size).float()
    y = augmenter(spec, Image(height, width, channels))(x, seeded(seed))
    for b in range(count):
        for c in range(channels):
            assert set(y[b, c].flatten().tolist()) <= set(x[b, c].flatten().tolist())


@given(st.sampled_from(SPECS), st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_no_value_leaves_the_range_of_image_and_zero(spec: str, seed: int) -> None:
    x = images(3)
    y = augmenter(spec, SHAPE)(x, seeded(seed))
    room = 0.7 if "brightness" in spec else 1e-5
    assert y.max() <= max(float(x.max()), 0) + room
    assert y.min() >= min(float(x.min()), 0) - room


@pytest.mark.parametrize(
    ("spec", "offered"),
    [("shfit=2", "shift"), ("flip,rotat", "rotate"), ("nnone", "none"), ("", ""), ("flip,none", "none")],
)
def test_an_unknown_word_is_refused_with_the_nearest(spec: str, offered: str) -> None:
    with pytest.raises(OptionError, match="no image change") as refusal:
        augmenter(spec, SHAPE)
    assert offered in str(refusal.value)


@pytest.mark.parametrize(
    "spec",
    [
        "shift=1.5",
        "shift=8",
        "shift=-1",
        "flip=2",
        "flip=",
        "rotate=high",
        "rotate=181",
        "nudge=9",
        "shear=1.5",
        "erase=1.1",
        "scale=nan",
        "brightness=inf",
    ],
)
def test_a_strength_out_of_range_is_refused_with_an_example(spec: str) -> None:
    with pytest.raises(OptionError, match="strength") as refusal:
        augmenter(spec, SHAPE)
    assert "such as" in str(refusal.value)


@pytest.mark.parametrize("shape", [Image(1, 1, 1), Image(8, 8, 1), Image(28, 28, 1), Image(32, 48, 3)])
@pytest.mark.parametrize("word", [*WORDS])
def test_every_word_has_a_usual_strength_that_fits(word: str, shape: Image) -> None:
    x = torch.randn(2, *shape.dimensions)
    assert augmenter(word, shape)(x, seeded()).shape == x.shape
