"""Fields by gradient, held against counting with ones, and the effective field against its closed form."""

import pytest
import torch
from torch import nn

from pellucid.experiments.claims.receptive_field import (
    central_gradient,
    effective_side,
    explained,
    measured_fields,
    normal_field,
    theoretical_fields,
)

pytestmark = pytest.mark.covers("A14", "D7")


@pytest.mark.parametrize(
    ("arrows", "fields"),
    [
        # r' = r + (k - 1) j: 1 + 4, as much behind tanh, + 1, + 4 * 2, as much, + 2
        ("lenet5", [5, 5, 6, 14, 14, 16]),
        ("21x21x1 -> 3x(conv(2, 3x3))", [3, 5, 7]),  # Simonyan and Zisserman 2015: three 3x3 see 7x7
        ("29x29x1 -> conv(2, 3x3) -> conv(2, 3x3, dilation=2)", [3, 7]),
        ("21x21x1 -> conv(2, 3x3, stride=2) -> maxpool(2x2)", [3, 5]),
    ],
)
def test_gradient_and_table_see_what_is_counted_by_hand(arrows: str, fields: list[int]) -> None:
    expected = [(each, each) for each in fields]
    assert measured_fields(arrows, seed=0) == expected
    assert theoretical_fields(arrows) == expected


def test_linear_layers_of_ones_give_the_binomial_of_three() -> None:
    layer = nn.Conv2d(1, 1, 3, bias=False)
    nn.init.ones_(layer.weight)
    row = central_gradient(nn.Sequential(layer, layer), torch.zeros(1, 1, 5, 5, requires_grad=True))[0, 0, 2]
    assert row.tolist() == [3, 6, 9, 6, 3]


@pytest.mark.parametrize("depth", [8, 32])
def test_the_normal_field_is_the_root_of_the_spread_mean_square(depth: int) -> None:
    """Three even places, depth times: the distribution that the mean square of the gradient has by theory."""
    spread = torch.ones(1, dtype=torch.float64)
    for _ in range(depth):
        spread = torch.nn.functional.conv1d(spread[None, None], torch.full((1, 1, 3), 1 / 3).double(), padding=2)[0, 0]
    root = spread.sqrt() / spread.sqrt().max()
    normal = normal_field(depth).double()
    assert float((normal[depth] - root).abs().max()) < 0.02
    assert explained(torch.outer(root, root), normal) > 0.99


def test_the_effective_side_is_that_of_a_square_of_as_many_pixels() -> None:
    box = torch.zeros(20, 20)
    box[5:11, 5:11] = 1
    box[0, 0] = 0.04
    assert effective_side(box) == 6
    assert explained(box, box) == 1
