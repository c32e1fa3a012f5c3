"""Degradation: twins are of equal size, and a residual block's slope is its layers' and 1, by finite differences."""

import pytest
import torch

from pellucid.experiments.claims.degradation import arrows, identity_apart
from pellucid.networks import build, parse


@pytest.mark.covers("B5")
@pytest.mark.parametrize("norm", [True, False])
def test_a_shortcut_adds_no_parameters(norm: bool) -> None:
    plain, residual = (parse(arrows(20, residual=each, norm=norm)) for each in (False, True))
    assert plain.parameters == residual.parameters == 20 * (64 * 64 + 64 + 128 * norm) + 650


@pytest.mark.covers("B5")
def test_the_jacobian_of_a_residual_block_is_the_identity_more() -> None:
    assert identity_apart(0) < 1e-12


@pytest.mark.covers("B5")
def test_so_it_is_by_finite_differences() -> None:
    block = build("6 -> residual(fc(6) -> tanh -> fc(6))", seed=1).double()
    first, second = (each.detach() for name, each in block.named_parameters() if name.endswith("weight"))
    bias, _ = (each.detach() for name, each in block.named_parameters() if name.endswith("bias"))
    x_F = torch.linspace(-1, 1, 6, dtype=torch.float64)
    slopes_F = 1 - torch.tanh(first @ x_F + bias) ** 2
    expected_FF = torch.eye(6, dtype=torch.float64) + second @ (slopes_F[:, None] * first)
    nudges_FF = 1e-6 * torch.eye(6, dtype=torch.float64)
    with torch.no_grad():
        columns_FF = (block(x_F + nudges_FF) - block(x_F - nudges_FF)) / 2e-6
    assert torch.allclose(columns_FF.T, expected_FF, atol=1e-8)
