"""The geometric mean of thinned layers against a plain loop over the masks."""

from itertools import product

import pytest
import torch
from torch import nn

from pellucid.experiments.claims.dropout import geometric_mean


@pytest.mark.covers("A12")
@pytest.mark.parametrize("kept", [0.5, 0.8])
def test_the_geometric_mean_is_what_a_loop_gives_and_the_layer_itself(kept: float) -> None:
    torch.manual_seed(0)
    layer, x_BF = nn.Linear(4, 3).double(), torch.randn(6, 4, dtype=torch.float64)
    with torch.no_grad():
        weighted = torch.ones(6, 3, dtype=torch.float64)
        for mask in product((0, 1), repeat=4):
            chance = kept ** sum(mask) * (1 - kept) ** (4 - sum(mask))
            weighted *= layer(x_BF * torch.tensor(mask) / kept).softmax(1) ** chance
        by_loop = weighted / weighted.sum(1, keepdim=True)
        mean = geometric_mean(layer, x_BF, kept)
        assert torch.allclose(mean, by_loop, atol=1e-12)
        assert torch.allclose(mean, layer(x_BF).softmax(1), atol=1e-12)
