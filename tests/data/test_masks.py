"""Segmentation data: masks in arrays and files become the class of every pixel; what is wrong with them is said."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from sklearn import datasets

from pellucid.data import Dataset, Itself, Masks, load
from pellucid.data.images.masks import read_values
from pellucid.data.named import scenes
from pellucid.data.target_json import target_from_json, target_to_json
from pellucid.errors import DataError

Array = NDArray[Any]

RANDOM = np.random.default_rng(0)
COUNT, HEIGHT, WIDTH = 10, 6, 5
TRUE = RANDOM.integers(0, 3, (COUNT, HEIGHT, WIDTH))
PICTURES = RANDOM.integers(0, 256, (COUNT, HEIGHT, WIDTH, 3), dtype=np.uint8)
PALETTE = [10, 20, 30, 200, 0, 0, 0, 200, 0]
COLOURS = np.array(PALETTE, np.uint8).reshape(-1, 3)


def write(folder: Path, masks: Array = TRUE, mode: str = "L", *, root: str = "", first: int = 0) -> Path:
    """Write the pictures with masks of a mode: grey, a palette, colours or 16 bits."""
    for number, mask in enumerate(masks):
        for part in ("images", "masks"):
            (folder / root / part).mkdir(parents=True, exist_ok=True)
        name = f"{first + number:02d}"
        Image.fromarray(PICTURES[number % COUNT]).save(folder / root / "images" / f"{name}.png")
        match mode:
            case "P":
                drawn = Image.fromarray(mask.astype(np.uint8), "P")
                drawn.putpalette(PALETTE)
            case "RGB":
                drawn = Image.fromarray(COLOURS[mask])
            case "I;16":
                drawn = Image.fromarray(mask.astype(np.uint16))
            case _:
                drawn = Image.fromarray(mask.astype(np.uint8))
        drawn.save(folder / root / "masks" / f"{name}.png")
    return folder


def classes_of(data: Dataset) -> tuple[str, ...]:
    assert isinstance(data.target, Masks)
    return data.target.names


@pytest.mark.covers("B12")
@pytest.mark.parametrize("mode", ["L", "P", "I;16"])
def test_values_of_a_mask_are_the_classes(mode: str, tmp_path: Path) -> None:
    data = load(write(tmp_path / "street", mode=mode))
    assert np.array_equal(data.targets, TRUE)
    assert classes_of(data) == ("0", "1", "2")
    assert np.array_equal(data.inputs.permute(0, 2, 3, 1), PICTURES)
    inputs, targets = data.split("train")
    assert inputs.shape == (6, 3, HEIGHT, WIDTH)
    assert targets.dtype == torch.int64
    assert np.array_equal(targets, TRUE[data.rows["train"].numpy()])
    assert target_from_json(target_to_json(data.target)) == data.target
    assert load(tmp_path / "street").source == data.source


def test_colours_of_a_mask_are_the_classes_in_their_order(tmp_path: Path) -> None:
    data = load(write(tmp_path / "street", mode="RGB"))
    assert classes_of(data) == ("#00c800", "#0a141e", "#c80000")
    assert np.array_equal(data.targets, np.array([1, 2, 0])[TRUE])


def test_classes_txt_names_values_and_colours(tmp_path: Path) -> None:
    (write(tmp_path / "values") / "classes.txt").write_text("road\ntree\nhouse\nsky\n")
    data = load(tmp_path / "values")
    assert classes_of(data) == ("road", "tree", "house", "sky")
    assert np.array_equal(data.targets, TRUE)
    assert "rare classes: no training pixel is sky" in data.notes
    (write(tmp_path / "colours", mode="RGB") / "classes.txt").write_text("road #0a141e\ntree #c80000\n#00c800: house\n")
    data = load(tmp_path / "colours")
    assert classes_of(data) == ("road", "tree", "house")
    assert np.array_equal(data.targets, TRUE)


def test_gaps_between_values_are_closed(tmp_path: Path) -> None:
    data = load(write(tmp_path / "cells", (TRUE > 1) * 255))
    assert classes_of(data) == ("0", "255")
    assert np.array_equal(data.targets, TRUE > 1)


def test_masks_are_resized_by_their_nearest_pixel(tmp_path: Path) -> None:
    data = load(write(tmp_path / "street"), size="3x15")
    for row in range(COUNT):
        expected = Image.fromarray(TRUE[row].astype(np.uint8)).resize((15, 3), Image.Resampling.NEAREST)
        assert np.array_equal(data.targets[row], np.asarray(expected))


def test_folders_on_top_are_the_splits(tmp_path: Path) -> None:
    write(tmp_path / "street", root="train")
    write(tmp_path / "street", TRUE[:3], root="test", first=50)
    data = load(tmp_path / "street")
    assert len(data.rows["test"]) == 3
    assert np.array_equal(data.targets[data.rows["test"]], TRUE[:3])


def test_the_masks_are_left_out_where_no_target_is_needed_and_folders_are_classes_where_they_are_said_to_be(
    tmp_path: Path,
) -> None:
    data = load(write(tmp_path / "street"), task="reconstruction")
    assert data.target == Itself("reconstruction")
    assert len(data) == COUNT
    assert data.targets.shape == (COUNT, 0)
    assert len(load(tmp_path / "street", task="classification")) == 2 * COUNT


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "masks" / "03.png").unlink(), "1 image .* without mask"),
        (lambda folder: (folder / "images" / "03.png").unlink(), "1 mask .* without image"),
        (lambda folder: (folder / "masks" / "03.png").write_bytes(b"no image"), "cannot be read"),
        (lambda folder: Image.new("L", (9, 9)).save(folder / "masks" / "03.png"), "another size"),
        (lambda folder: Image.new("RGB", (5, 6)).save(folder / "masks" / "03.png"), "some masks have colours"),
        (lambda folder: Image.new("F", (5, 6)).save(folder / "masks" / "03.tif"), "one name"),
        (lambda folder: (folder / "masks" / "03.png").rename(folder / "masks" / "03.jpg"), "is a JPEG"),
        (lambda folder: (folder / "classes.txt").write_text("road\ntree\n"), "no class's"),
        (lambda folder: write(folder, TRUE * 0), "one class"),
        (lambda folder: write(folder, np.arange(TRUE.size).reshape(TRUE.shape), "I;16"), "too many values"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_folder_is_said(spoil: Any, message: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "street")
    spoil(folder)
    with pytest.raises(DataError, match=message) as refusal:
        load(folder)
    assert refusal.value.expected


def test_colours_need_a_colour_for_each_name(tmp_path: Path) -> None:
    (write(tmp_path / "street", mode="RGB") / "classes.txt").write_text("road\ntree\nhouse\n")
    with pytest.raises(DataError, match="names no colour"):
        load(tmp_path / "street")


@given(st.lists(st.integers(0, 0xFFFFFF), min_size=6, max_size=6))
def test_every_colour_is_told_apart(tmp_path_factory: pytest.TempPathFactory, colours: list[int]) -> None:
    path = tmp_path_factory.mktemp("colour") / "mask.png"
    channels = np.array([[value >> 16, value >> 8 & 255, value & 255] for value in colours], np.uint8)
    Image.fromarray(channels.reshape(2, 3, 3)).save(path)
    values, coloured = read_values(path)
    assert coloured
    assert values.flatten().tolist() == colours


@pytest.mark.covers("B12")
@pytest.mark.parametrize(
    "inputs",
    [
        PICTURES,
        torch.from_numpy(PICTURES).permute(0, 3, 1, 2),
        PICTURES[..., 0],
        PICTURES[..., 0] / 7.0,
    ],
    ids=["channels last", "channels first", "grey bytes", "grey numbers"],
)
def test_arrays_of_whole_numbers_as_large_as_the_images_are_masks(inputs: Any, tmp_path: Path) -> None:
    data = load((inputs, TRUE))
    assert np.array_equal(data.targets, TRUE)
    assert classes_of(data) == ("0", "1", "2")
    assert (data.input_shape.height, data.input_shape.width) == (HEIGHT, WIDTH)  # type: ignore[union-attr]
    np.savez(tmp_path / "data.npz", x=np.asarray(inputs), y=TRUE)
    assert torch.equal(load(tmp_path / "data.npz", task="segmentation").targets, data.targets)


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        (PICTURES, TRUE - 1, "no class's"),
        (PICTURES, TRUE * 300, "no class's"),
        (PICTURES, TRUE[:, 1:], "another shape"),
        (PICTURES, TRUE + 0.5, "whole numbers"),
        (PICTURES, TRUE * 0, "one class"),
        (PICTURES[:, 0, 0], TRUE[:, 0, 0], "belong to images"),
    ],
)
def test_masks_that_do_not_fit_are_refused(inputs: Array, targets: Array, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load((inputs, targets), task="segmentation")


@pytest.mark.covers("B12")
def test_scenes_hold_every_digit_once_where_the_mask_says() -> None:
    made, digits = scenes.scenes(), datasets.load_digits()
    # the ink of a digit is at least 64 of 255; five deviations of the noise are less
    assert made.pixels[made.masks > 0].min() > 0
    ink = np.array([(image >= 4).sum() for image in digits.images])
    for digit in range(10):
        assert (made.masks == 1 + digit).sum() == ink[digits.target == digit].sum()
    background = made.pixels[made.masks == 0]
    assert (background > 100).mean() > 0.01, "strokes are as dark as digits"
    again = scenes.scenes()
    assert np.array_equal(made.pixels, again.pixels)
    assert np.array_equal(made.masks, again.masks)
