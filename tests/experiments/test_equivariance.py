"""Convolution as a matrix and under shifts, held against torch's own layers."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pellucid.experiments.claims.equivariance import dense_share, difference, drawn_layers, matrix_of
from pellucid.networks import build, parse

pytestmark = pytest.mark.covers("A10", "D7")

seeds = st.integers(0, 2**31)


@settings(max_examples=20)
@given(seeds)
def test_the_matrix_computes_the_convolution(seed: int) -> None:
    layer = drawn_layers(seed)["convolution, zeros"]
    images = torch.randn(3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    assert torch.allclose(images.flatten(1) @ matrix_of(layer).T, layer(images).flatten(1), atol=1e-12)


@settings(max_examples=10)
@given(seeds)
def test_torchs_circular_convolution_is_equivariant_too(seed: int) -> None:
    torch.manual_seed(seed)
    convolution = nn.Conv2d(1, 4, 3, padding=1, padding_mode="circular").double()
    images = torch.randn(2, 8, 8, dtype=torch.float64)
    with torch.no_grad():
        assert max(difference(lambda each: convolution(each.unsqueeze(1)), images)) < 1e-12


@pytest.mark.parametrize("name", ["lenet5", "cnn", "resnet20"])
def test_the_dense_share_is_that_of_torchs_linear_layers(name: str) -> None:
    plan = parse("28x28x1 -> conv(6, 5x5) -> relu -> maxpool(2x2) -> fc(10)" if name == "cnn" else name)
    network = build(plan, seed=0)
    dense = sum(p.numel() for each in network.modules() if isinstance(each, nn.Linear) for p in each.parameters())
    assert dense_share(plan.table()) == dense / sum(p.numel() for p in network.parameters())
