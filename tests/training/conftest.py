"""The small data sets the training is tested on."""

import pytest
import torch

from pellucid.data.dataset import Classes, Dataset, Values
from pellucid.shapes import Features, Image
from tests.training.making import make_data


@pytest.fixture
def blobs() -> Dataset:
    """Two classes of points around (-2, -2) and (2, 2): 97 train (so the last batch of 32 has one sample)."""
    generator = torch.Generator().manual_seed(0)
    labels_N = torch.randint(2, (137,), generator=generator)
    points_NF = torch.randn(137, 2, generator=generator) + (4 * labels_N - 2)[:, None]
    return make_data(points_NF, labels_N, Classes(("left", "right")), Features(2), 97)


@pytest.fixture
def line() -> Dataset:
    """y = 3 a - 2 b + noise, on standardised targets with mean 10 and scale 5."""
    generator = torch.Generator().manual_seed(0)
    inputs_NF = torch.randn(300, 2, generator=generator)
    y_N1 = inputs_NF @ torch.tensor([[3.0], [-2.0]]) + 0.1 * torch.randn(300, 1, generator=generator)
    return make_data(inputs_NF, y_N1 / 5, Values(("y",), (10.0,), (5.0,)), Features(2), 200)


@pytest.fixture
def stripes() -> Dataset:
    """Images 8x8x1 with a horizontal or a vertical stripe."""
    generator = torch.Generator().manual_seed(0)
    labels_N = torch.randint(2, (160,), generator=generator)
    places_N = torch.randint(8, (160,), generator=generator)
    images_NCHW = 0.1 * torch.randn(160, 1, 8, 8, generator=generator)
    for image_CHW, label, place in zip(images_NCHW, labels_N.tolist(), places_N.tolist(), strict=True):
        (image_CHW[0] if label else image_CHW[0].T)[place] += 1
    return make_data(images_NCHW, labels_N, Classes(("vertical", "horizontal")), Image(8, 8, 1), 100)
