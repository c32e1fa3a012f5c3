"""Shifted pictures and how features are said to change, held against features whose change is known."""

import pytest
import torch

from pellucid.data import load
from pellucid.experiments.claims.pooling_shifts import framed, moved, relative_change

pytestmark = pytest.mark.covers("A9", "D7")


def test_a_frame_leaves_room_for_every_shift() -> None:
    data = framed(load("digits"))
    images = data.inputs
    assert images.shape[1:] == (1, 16, 16)
    sums = images.flatten(1).long().sum(1)
    for each in moved(images, 3):
        assert torch.equal(each.flatten(1).long().sum(1), sums)
        assert not torch.equal(each, images)
    prepared, _ = data.split("train")
    assert abs(float(prepared.mean())) < 1e-5
    assert float(prepared.std()) == pytest.approx(1, abs=1e-4)


def test_what_forgets_places_does_not_change_and_a_pixel_changes_by_root_two() -> None:
    images = torch.zeros(1, 1, 16, 16)
    images[0, 0, 8, 8] = 1
    assert relative_change(lambda each: each.sum(dim=(2, 3)), images, 2) == 0
    assert relative_change(lambda each: each, images, 1) == pytest.approx(2**0.5)
    pooled = relative_change(lambda each: torch.nn.functional.max_pool2d(each, 2), images, 1)
    assert pooled == pytest.approx(2**0.5 / 2), "two of the four ways leave the pixel in its window"
