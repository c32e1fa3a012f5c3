"""Attributions against closed forms: linear models, products, a model that looks at one pixel.

Shape letters: B samples, K outputs.
"""

import pytest
import torch
from torch import Tensor, nn

from pellucid.errors import DataError, OptionError
from pellucid.explain import attribution_bars, attribution_tiles, integrated_gradients, occlusion, saliency
from pellucid.explain.seeing.attribution import saliency_map
from pellucid.seed import seed_torch

pytestmark = pytest.mark.covers("E2")


def test_a_linear_models_attributions_are_its_weights() -> None:
    seed_torch(0, "linear")
    network = nn.Linear(5, 3)
    inputs, baseline = torch.randn(4, 5), torch.randn(5)
    chosen = torch.tensor([0, 2, 1, 2])
    weights = network.weight.detach()[chosen]
    slopes = saliency(network, inputs, chosen)
    torch.testing.assert_close(slopes.values, weights)
    found = integrated_gradients(network, inputs, chosen, baseline=baseline, steps=1)
    torch.testing.assert_close(found.values, weights * (inputs - baseline))
    covered = occlusion(network, inputs, chosen, patch=(1,))
    torch.testing.assert_close(covered.values, weights * inputs)
    with torch.no_grad():
        torch.testing.assert_close(found.outputs, network(inputs)[torch.arange(4), chosen])


def test_by_default_the_greatest_output_is_explained() -> None:
    network = nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    found = saliency(network, torch.tensor([[3.0, 1.0], [1.0, 3.0]]))
    assert found.chosen.tolist() == [0, 1]
    assert found.outputs.tolist() == [3.0, 3.0]


class Product(nn.Module):
    """f = x0 x1² + x2, one number a sample."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, 0] * x[:, 1] ** 2 + x[:, 2]


def test_integrated_gradients_of_a_polynomial_are_its_integral() -> None:
    x = torch.tensor([[2.0, 3.0, 5.0], [-1.0, 0.5, 2.0]])
    found = integrated_gradients(Product(), x, steps=2)  # slopes of degree 2, exact from two places on
    # ∫ a² da = 1/3: x0 x1² is shared 1 : 2 between x0 and x1
    whole = x[:, 0] * x[:, 1] ** 2
    torch.testing.assert_close(found.values, torch.stack([whole / 3, 2 * whole / 3, x[:, 2]], 1))
    assert found.error is not None
    assert found.error.abs().max() < 1e-5


def test_the_parts_sum_to_the_difference_of_the_outputs() -> None:
    seed_torch(0, "network")
    network = nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.GELU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3)
    )
    inputs, baseline = torch.randn(3, 2, 8, 8), torch.randn(3, 2, 8, 8)
    found = integrated_gradients(network, inputs, baseline=baseline, steps=300)
    with torch.no_grad():
        network.eval()
        rows = torch.arange(3)
        difference = network(inputs)[rows, found.chosen] - network(baseline)[rows, found.chosen]
    assert found.error is not None
    torch.testing.assert_close(found.values.sum((1, 2, 3)) - difference, found.error, atol=1e-6, rtol=1e-4)
    assert float(found.error.abs().max()) < 0.01 * float(difference.abs().max())


class OnePixel(nn.Module):
    """Looks at the pixel in row 2 and column 5 of the second channel only."""

    def forward(self, x: Tensor) -> Tensor:
        seen = x[:, 1, 2, 5]
        return torch.stack([seen, -seen], 1)


def test_occlusion_finds_the_one_pixel_that_is_looked_at() -> None:
    inputs = torch.rand(2, 3, 6, 7) + 1
    found = occlusion(OnePixel(), inputs, 0, patch=(1, 1))
    expected = torch.zeros(2, 3, 6, 7)
    expected[:, :, 2, 5] = inputs[:, 1, 2, 5][:, None]  # a patch covers all channels
    assert torch.equal(found.values, expected)
    slopes = saliency_map(saliency(OnePixel(), inputs, 0))
    assert slopes.nonzero().tolist() == [[0, 2, 5], [1, 2, 5]]


def test_patches_that_overlap_are_averaged_and_reach_the_edge() -> None:
    inputs = torch.ones(1, 3, 6, 7)
    found = occlusion(OnePixel(), inputs, 0, patch=(2, 3), stride=(1, 3)).values[0, 0]
    assert found[[3, 2, 0], [5, 5, 5]].tolist() == [0.5, 1.0, 0.0]
    # columns begin at 0, 3 and, for the edge, at 4: both of the latter cover column 5
    assert found[2, [2, 3, 6]].tolist() == [0.0, 1.0, 1.0]


class Counts(nn.Module):
    """How often token 3 occurs."""

    def forward(self, x: Tensor) -> Tensor:
        return (x == 3).float().sum(1, keepdim=True)


def test_of_tokens_occlusion_tells_and_gradients_are_refused() -> None:
    tokens = torch.tensor([[1, 3, 2, 3]])
    assert occlusion(Counts(), tokens, patch=(1,)).values.tolist() == [[0.0, 1.0, 0.0, 1.0]]
    with pytest.raises(DataError, match="no gradient"):
        saliency(Counts(), tokens)


def test_the_network_is_left_as_it_was() -> None:
    seed_torch(0, "left")
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 2)).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    inputs = torch.randn(5, 3, 2, 2)
    integrated_gradients(network, inputs, steps=3)
    occlusion(network, inputs, patch=(1, 1))
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(module.training for module in network.modules())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not inputs.requires_grad


def test_what_cannot_be_is_refused() -> None:
    inputs = torch.randn(2, 5)
    with pytest.raises(OptionError, match="no such output"):
        saliency(nn.Linear(5, 3), inputs, 3)
    for patch, stride in (((6,), None), ((1, 1), None), ((2,), (0,)), ((2,), (1, 1))):
        with pytest.raises(OptionError, match="does not fit"):
            occlusion(nn.Linear(5, 3), inputs, patch=patch, stride=stride)
    with pytest.raises(DataError, match="no single output"):
        saliency(nn.Conv1d(2, 3, 1), torch.randn(2, 2, 5))


def test_figures() -> None:
    inputs = torch.ones(2, 3, 6, 7)
    shown = attribution_tiles(occlusion(OnePixel(), inputs, 0, patch=(1, 1)), ["a", "b"])
    assert [tile.caption for tile in shown.tiles] == ["a", "b"]
    assert shown.tiles[0].values[2][5] == 1.0
    linear = nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([[1.0, -3.0]]))
    bars = attribution_bars(saliency(linear, torch.randn(4, 2)), ["width", "height"])
    assert [bar.label for bar in bars.bars] == ["height", "width"]
    assert "rests on height: 3" in bars.says
