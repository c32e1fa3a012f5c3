"""Feature maps, kernels and exciting samples of networks whose weights were set by hand."""

import pytest
import torch
from torch import nn

from pellucid.data import load
from pellucid.errors import DataError, OptionError
from pellucid.explain import (
    activating_samples,
    activating_tiles,
    feature_map_tiles,
    feature_maps,
    kernel_tiles,
    kernels,
)

pytestmark = pytest.mark.covers("E2")


def edges() -> nn.Sequential:
    """Return a network whose two channels are the differences of neighbours to the right and below."""
    network = nn.Sequential(nn.Conv2d(1, 2, 2, bias=False), nn.ReLU(), nn.Conv2d(2, 1, 1, bias=False))
    with torch.no_grad():
        network.get_parameter("0.weight").copy_(
            torch.tensor([[[[-1.0, 1.0], [0.0, 0.0]]], [[[-1.0, 0.0], [1.0, 0.0]]]])
        )
        network.get_parameter("2.weight").fill_(2.0)
    return network


def test_feature_maps_are_the_convolutions() -> None:
    image = torch.arange(12.0).view(1, 1, 3, 4)
    first, second = feature_maps(edges(), image)
    assert (first.layer, second.layer) == ("0", "2")
    assert first.maps[0, 0].tolist() == [[1.0] * 3] * 2
    assert first.maps[0, 1].tolist() == [[4.0] * 3] * 2
    assert second.maps[0, 0].tolist() == [[10.0] * 3] * 2
    assert feature_map_tiles(first).tiles[1].values == [[4.0] * 3] * 2


def test_of_a_sequence_feature_maps_are_rows() -> None:
    maps = feature_maps(nn.Sequential(nn.Conv1d(2, 3, 3)), torch.randn(1, 2, 7))
    assert maps[0].maps.shape == (1, 3, 5)
    assert len(feature_map_tiles(maps[0]).tiles[0].values) == 1


def test_kernels_as_pictures() -> None:
    found = kernels(edges())
    assert (found.layer, tuple(found.weights.shape)) == ("0", (2, 1, 2, 2))
    assert kernel_tiles(found).tiles[0].values == [[-1.0, 1.0], [0.0, 0.0]]
    assert kernel_tiles(kernels(edges(), "2")).tiles[1].caption == "0, channel 1"
    linear = nn.Sequential(nn.Linear(6, 4))
    assert torch.equal(
        kernels(linear, "0", (2, 3)).weights[1, 0], linear.get_parameter("0.weight")[1].detach().view(2, 3)
    )


def test_the_samples_that_excite_a_unit_most_are_those_of_a_full_sort() -> None:
    data = load("digits")
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU())
    found = activating_samples(network, data, "0", 2, count=7)
    inputs, _ = data.split("train")
    with torch.no_grad():
        largest = network[0](inputs)[:, 2].amax((1, 2))
    values, places = largest.sort(descending=True, stable=True)
    torch.testing.assert_close(found.activations, values[:7])
    assert torch.equal(found.rows, data.rows["train"][places[:7]])
    assert torch.equal(found.inputs, inputs[places[:7]])
    assert activating_tiles(found).tiles[0].caption.startswith(f"row {int(found.rows[0]) + 1}: ")


def test_a_unit_of_a_flat_layer_is_a_feature() -> None:
    data = load("digits")
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 1, bias=False))
    with torch.no_grad():
        network.get_parameter("1.weight").zero_()[0, 20] = 1.0
    found = activating_samples(network, data, "1", 0, split="test", count=3)
    seen = data.split("test")[0].flatten(1)[:, 20]
    assert float(found.activations[0]) == float(seen.max())


def test_what_is_not_there_is_refused() -> None:
    data = load("digits")
    with pytest.raises(OptionError, match="no layer 'conv'"):
        activating_samples(edges(), data, "conv", 0)
    with pytest.raises(OptionError, match="no such unit"):
        activating_samples(edges(), data, "0", 2)
    with pytest.raises(DataError, match="no feature maps"):
        feature_maps(nn.Linear(2, 1), torch.zeros(1, 2))
    with pytest.raises(OptionError, match="no convolution"):
        kernels(nn.Sequential(nn.Linear(6, 4)))
    with pytest.raises(OptionError, match="no pictures"):
        kernels(nn.Sequential(nn.Linear(6, 4)), "0", (2, 2))


def test_hooks_are_gone_and_modes_are_back_afterwards() -> None:
    network = edges().train()
    with pytest.raises(RuntimeError, match="channels"):
        feature_maps(network, torch.zeros(1, 3, 4, 4))
    assert network.training
    assert not any(layer._forward_hooks for layer in network.modules())
