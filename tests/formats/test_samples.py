"""Samples as files: read again by Pillow, NumPy and polars."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

from pellucid.errors import OptionError
from pellucid.formats.samples import write_samples

PIXELS = torch.arange(5 * 3 * 40 * 48).reshape(5, 3, 40, 48).remainder(251).to(torch.uint8)


@pytest.mark.covers("B9")
def test_pictures_stand_in_a_square_with_a_line_between(tmp_path: Path) -> None:
    write_samples(tmp_path / "samples.png", PIXELS)
    sheet = np.asarray(Image.open(tmp_path / "samples.png"))
    assert sheet.shape == (2 * 41 + 1, 3 * 49 + 1, 3)
    for place in range(5):
        top, left = 1 + place // 3 * 41, 1 + place % 3 * 49
        assert np.array_equal(sheet[top : top + 40, left : left + 48], PIXELS[place].movedim(0, -1).numpy())
    assert (sheet[0] == 255).all()


def test_small_pictures_are_enlarged_and_other_numbers_stretched_from_black_to_white(tmp_path: Path) -> None:
    numbers = torch.linspace(-3, 5, 64).reshape(1, 1, 8, 8)
    write_samples(tmp_path / "samples.png", numbers)
    sheet = np.asarray(Image.open(tmp_path / "samples.png"))
    assert sheet.shape == (34, 34)
    assert sheet[1, 1] == 0
    assert sheet[32, 32] == 255


@pytest.mark.covers("B9")
def test_arrays_and_rows_come_back(tmp_path: Path) -> None:
    points = torch.randn(7, 2)
    write_samples(tmp_path / "points.npz", points)
    assert np.array_equal(np.load(tmp_path / "points.npz")["samples"], points.numpy())
    write_samples(tmp_path / "points.csv", points)
    assert pl.read_csv(tmp_path / "points.csv").to_numpy() == pytest.approx(points.numpy(), abs=1e-6)
    write_samples(tmp_path / "images.npz", PIXELS)
    assert np.array_equal(np.load(tmp_path / "images.npz")["samples"], PIXELS.movedim(1, -1).numpy())
    frame = pl.DataFrame({"age": [31.5, 40.0], "colour": ["red", "blue"]})
    write_samples(tmp_path / "rows.csv", frame)
    assert pl.read_csv(tmp_path / "rows.csv").equals(frame)


@pytest.mark.parametrize(
    ("name", "samples", "word"),
    [
        ("a.png", torch.randn(3, 2), ".npz or .csv"),
        ("a.csv", PIXELS, ".png or .npz"),
        ("a.npz", pl.DataFrame({"a": [1]}), ".csv"),
        ("a", PIXELS, "no ending"),
        ("a.gif", PIXELS, "received: .gif"),
    ],
)
def test_files_that_cannot_hold_such_samples_are_refused(
    tmp_path: Path, name: str, samples: torch.Tensor | pl.DataFrame, word: str
) -> None:
    with pytest.raises(OptionError, match=word):
        write_samples(tmp_path / name, samples)
    assert not (tmp_path / name).exists()
