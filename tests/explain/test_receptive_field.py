"""Measured receptive fields against the sizes that the architecture gives."""

import pytest
import torch
from torch import nn

from pellucid.errors import DataError
from pellucid.explain import field_tiles, measured_field
from pellucid.networks import build, parse
from pellucid.seed import seed_torch

pytestmark = pytest.mark.covers("E2")


def test_two_small_kernels_see_what_a_larger_one_does() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 3, bias=False), nn.Conv2d(1, 1, 3, bias=False))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(1.0)
    found = measured_field(network, torch.zeros(1, 1, 9, 9), "1")
    assert found.extent == (5, 5)
    row = torch.tensor([1.0, 2.0, 3.0, 2.0, 1.0])  # ones folded with ones
    assert torch.equal(found.influence[2:7, 2:7], row[:, None] * row)
    assert found.effective == 1.0
    assert "5 x 5 pixels" in field_tiles(found).says


@pytest.mark.parametrize(
    "arrows",
    [
        "32x32x1 -> conv(4, 5x5) -> tanh -> avgpool(2x2) -> conv(6, 5x5) -> tanh -> fc(3)",
        "32x32x3 -> conv(4, 3x3, stride=2) -> tanh -> conv(4, 3x3, dilation=2) -> tanh -> fc(3)",
    ],
)
def test_it_is_the_size_that_the_plan_knows(arrows: str) -> None:
    seed_torch(0, "field")
    plan = parse(arrows)
    network = build(plan, 0)
    channels = 1 if "x1 " in arrows else 3
    found = measured_field(network, torch.randn(8, channels, 32, 32), "conv2")
    (row,) = [row for row in plan.table().rows if row.name == "conv2"]
    assert f"{found.extent[0]}x{found.extent[1]}" == str(row.receptive_field)


def test_a_rectifier_that_is_shut_lets_nothing_through() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU())
    with torch.no_grad():
        network.get_parameter("0.bias").fill_(-1e6)
    found = measured_field(network, torch.randn(2, 1, 5, 5), "1")
    assert (found.extent, found.effective) == ((0, 0), 0.0)


def test_what_has_no_maps_is_refused() -> None:
    with pytest.raises(DataError, match="no receptive field"):
        measured_field(nn.Sequential(nn.Linear(4, 2)), torch.randn(3, 4), "0")
