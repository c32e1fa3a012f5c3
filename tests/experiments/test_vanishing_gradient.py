"""Vanishing gradients: what is left at the first layer against the bound that the weights' spectral norms set."""

import math

import pytest
import torch
from torch import nn

from pellucid.experiments.claims.vanishing_gradient import arrows, gradient_norms
from pellucid.networks import build


@pytest.mark.covers("D4")
@pytest.mark.parametrize("depth", [2, 6, 12])
def test_each_sigmoid_leaves_at_most_a_quarter_of_what_its_weights_pass(depth: int) -> None:
    """Of one sample ∂L/∂W_l is the product of a_(l-1) and δ_l, and |δ_l| <= |W_(l+1)| |δ_(l+1)| / 4."""
    network = build(arrows("sigmoid", depth), seed=0).double()
    x_BCHW = torch.linspace(-1, 1, 64, dtype=torch.float64).reshape(1, 1, 8, 8)
    norms = gradient_norms(network, x_BCHW, torch.tensor([3]))
    layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
    assert len(norms) == len(layers) == depth + 1
    passed = math.prod(float(torch.linalg.matrix_norm(layer.weight.detach(), 2)) / 4 for layer in layers[1:])
    hidden_BF = nn.Sequential(*list(network.children())[:-1])(x_BCHW)
    assert 0 < norms[0] / norms[-1] <= passed * float(x_BCHW.norm() / hidden_BF.detach().norm())


def test_the_norms_are_those_of_a_backward_pass() -> None:
    network = build(arrows("ReLU and He's weights", 3), seed=1).double()
    x_BCHW, y_B = (
        torch.randn(4, 1, 8, 8, dtype=torch.float64, generator=torch.manual_seed(0)),
        torch.tensor([0, 1, 2, 3]),
    )
    norms = gradient_norms(network, x_BCHW, y_B)
    nn.functional.cross_entropy(network(x_BCHW), y_B).backward()
    weights = [parameter for name, parameter in network.named_parameters() if name.endswith("weight")]
    assert norms == pytest.approx([float(each.grad.norm()) for each in weights if each.grad is not None], rel=1e-12)
