"""What is counted of the weights, against weights written by hand."""

import pytest
import torch
from torch import nn

from pellucid.experiments.claims.weight_penalties import share_of_zeros, weights

pytestmark = pytest.mark.covers("C10")


def test_biases_are_not_counted_and_only_exact_zeros_are() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[0.0, 1e-30], [3.0, -0.0]]))
        network[0].bias.zero_()
        network[2].weight.copy_(torch.tensor([[4.0, 0.0]]))
        network[2].bias.fill_(100.0)
    assert weights(network).norm() == 5
    assert share_of_zeros(network) == 0.5
