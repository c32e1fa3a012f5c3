"""Layers of images for K members against each member's own layer, in float64: outputs, gradients and statistics."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn

from pellucid.blocks import Add
from pellucid.training.population.chained import abreast, apart, together
from pellucid.training.population.stacked import stacked

MEMBERS = 3
LAYERS: dict[str, Callable[[], nn.Module]] = {
    "convolution": lambda: nn.Conv2d(4, 6, 3),
    "without biases": lambda: nn.Conv2d(4, 6, 3, bias=False),
    "strided, dilated, padded": lambda: nn.Conv2d(4, 6, (3, 2), stride=2, padding=(2, 1), dilation=2),
    "padding of the same size": lambda: nn.Conv2d(4, 6, 3, padding="same"),
    "padding by reflection": lambda: nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"),
    "grouped": lambda: nn.Conv2d(4, 6, 3, groups=2),
    "batch norm": lambda: nn.BatchNorm2d(4),
    "batch norm without statistics": lambda: nn.BatchNorm2d(4, track_running_stats=False),
    "batch norm without weights": lambda: nn.BatchNorm2d(4, affine=False, momentum=0.3),
    "maxima": lambda: nn.MaxPool2d(2),
    "overlapping maxima": lambda: nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True),
    "means": lambda: nn.AvgPool2d(2, count_include_pad=False, padding=1),
    "mean of a map": lambda: nn.AdaptiveAvgPool2d(1),
    "maximum of a map": lambda: nn.AdaptiveMaxPool2d(2),
    "residual": lambda: Add(body=nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)), skip=nn.Identity()),
    "classifier": lambda: nn.Sequential(
        nn.Conv2d(4, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(54, 5), nn.Tanh()
    ),
}


@pytest.mark.parametrize("training", [True, False], ids=["training", "judged"])
@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
def test_each_member_gets_what_its_own_layer_gives(make: Callable[[], nn.Module], training: bool) -> None:
    torch.manual_seed(0)
    own = [make().double().train(training) for _ in range(MEMBERS)]
    images_KB = torch.randn(MEMBERS, 5, 4, 8, 9 if len(list(own[0].children())) < 3 else 8, dtype=torch.float64)
    parameters = {
        name: torch.stack([layer.get_parameter(name).detach() for layer in own]).requires_grad_()
        for name, _ in own[0].named_parameters()
    }
    buffers = {name: torch.stack([layer.get_buffer(name) for layer in own]) for name, _ in own[0].named_buffers()}

    alone_KB = images_KB.clone().requires_grad_()
    expected = torch.stack([layer(images_B) for layer, images_B in zip(own, alone_KB, strict=True)])
    weights = torch.randn_like(expected)
    (expected * weights).sum().backward()

    form = stacked(copy.deepcopy(own[0]))
    given_KB = images_KB.clone().requires_grad_()
    outputs = together(form, {**parameters, **buffers}, given_KB)
    (outputs * weights).sum().backward()

    torch.testing.assert_close(outputs, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(given_KB.grad, alone_KB.grad, rtol=0, atol=1e-12)
    for name, parameter in parameters.items():
        of_each = [layer.get_parameter(name).grad for layer in own]
        torch.testing.assert_close(parameter.grad, torch.stack([g for g in of_each if g is not None]))
    for name, buffer in buffers.items():
        torch.testing.assert_close(buffer, torch.stack([layer.get_buffer(name) for layer in own]))


def test_the_channels_of_a_pixel_lie_side_by_side_in_memory() -> None:
    images_KB = torch.randn(MEMBERS, 5, 4, 8, 9)
    side_by_side = abreast(images_KB)
    assert side_by_side.is_contiguous(memory_format=torch.channels_last)
    again = apart(side_by_side, MEMBERS)
    assert torch.equal(again, images_KB)
    assert abreast(again).data_ptr() == side_by_side.data_ptr(), "between two layers nothing is copied"
