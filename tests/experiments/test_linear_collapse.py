"""The one layer that a stack of linear layers is, held against numpy's product of matrices."""

import numpy as np
import pytest
import torch
from torch import nn

from pellucid.experiments.claims.linear_collapse import product


@pytest.mark.covers("A6")
def test_the_stack_is_one_layer_of_the_product() -> None:
    torch.manual_seed(0)
    layers = [nn.Linear(*sizes, dtype=torch.float64) for sizes in ((5, 7), (7, 2), (2, 6), (6, 4))]
    with torch.no_grad():
        weight_OI, bias_O = product(layers)
        x = torch.randn(20, 5, dtype=torch.float64)
        assert torch.allclose(nn.Sequential(*layers)(x), x @ weight_OI.T + bias_O, atol=1e-14)
    matrices = [layer.weight.detach().numpy() for layer in reversed(layers)]
    np.testing.assert_allclose(weight_OI, np.linalg.multi_dot(matrices), atol=1e-14)
    assert np.linalg.matrix_rank(weight_OI) == 2, "no wider than the narrowest layer"
