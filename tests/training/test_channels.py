"""The order of channels in memory: the same numbers, and torch takes the hint."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pellucid.networks import build
from pellucid.recipe import Recipe
from pellucid.training.channels import channels_last, is_faster_channels_last
from pellucid.training.device import choose_device


@pytest.mark.parametrize("channels", [1, 3])
def test_the_numbers_stay_and_what_a_convolution_gives_is_in_the_same_order(channels: int) -> None:
    x_BCHW = torch.randn(4, channels, 6, 5)
    ordered = channels_last(x_BCHW)
    assert torch.equal(ordered, x_BCHW)
    assert ordered.stride() == (30 * channels, 1, 5 * channels, channels)
    given = nn.Conv2d(channels, 7, 3)(ordered)
    assert given.is_contiguous(memory_format=torch.channels_last)
    assert not given.is_contiguous()


class Viewed(nn.Module):
    """A network of a user's own, which asks for its numbers to be in order."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 4, 3), nn.Linear(4 * 36, 2)

    def forward(self, x: Tensor) -> Any:
        return self.fc(self.conv(x).view(len(x), -1))


def test_only_known_layers_that_convolve_are_given_the_other_order() -> None:
    cpu = choose_device(Recipe(device="cpu"))
    assert is_faster_channels_last(
        build("8x8x1 -> conv(4, 3x3) -> relu -> residual(conv(4, 3x3, padding=1) -> relu) -> fc(2)"), cpu
    )
    assert not is_faster_channels_last(build("8x8x1 -> fc(4) -> relu -> fc(2)"), cpu)
    assert not is_faster_channels_last(Viewed(), cpu)
    Viewed()(torch.randn(2, 1, 8, 8))
    with pytest.raises(RuntimeError, match="view"):
        Viewed()(channels_last(torch.randn(2, 1, 8, 8)))
