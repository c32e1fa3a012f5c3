"""What is counted of the weights, against weights written by hand."""

import pytest
import torch
from torch import nn

from pellucid.experiments.claims.weight_penalties import share_of_zeros, weights

pytestmark = pytest.mark.covers("C10")


def test_biases_are_not_counted_and_only_exact_zeros_are() -> None:
    first, last = nn.Linear(2, 2), nn.Linear(2, 1)
    network = nn.Sequential(first, nn.ReLU(), last)
    with torch.no_grad():
        first.weight.copy_(torch.tensor([[0.0, 1e-30], [3.0, -0.0]]))
        first.bias.zero_()
        last.weight.copy_(torch.tensor([[4.0, 0.0]]))
        last.bias.fill_(100.0)
    assert weights(network).norm() == 5
    assert share_of_zeros(network) == 0.5
