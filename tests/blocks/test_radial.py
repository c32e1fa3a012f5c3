"""Radial basis functions against NumPy, SciPy's interpolator and finite differences."""

import numpy as np
import pytest
import torch
from scipy.interpolate import RBFInterpolator
from torch import Tensor

from pellucid.blocks import Radial


def made(own_widths: bool = False, normalised: bool = False) -> tuple[Radial, Tensor]:
    torch.manual_seed(0)
    block = Radial(3, 5, own_widths, normalised=normalised).double()
    with torch.no_grad():
        block.log_widths.uniform_(-0.5, 0.5)
    return block, torch.randn(7, 3, dtype=torch.float64)


@pytest.mark.covers("B7")
@pytest.mark.parametrize("own_widths", [False, True])
@pytest.mark.parametrize("normalised", [False, True])
def test_a_unit_answers_by_the_formula(own_widths: bool, normalised: bool) -> None:
    block, x_ND = made(own_widths, normalised)
    x, centres, widths = x_ND.numpy(), block.centres.detach().numpy(), block.log_widths.exp().detach().numpy()
    expected = np.exp(-(((x[:, None] - centres[None]) ** 2).sum(2)) / (2 * widths**2))
    if normalised:
        expected = expected / expected.sum(1, keepdims=True)
    assert block(x_ND).detach().numpy() == pytest.approx(expected, abs=1e-12)


@pytest.mark.covers("B7")
@pytest.mark.parametrize("own_widths", [False, True])
@pytest.mark.parametrize("normalised", [False, True])
def test_gradients_are_those_of_finite_differences(own_widths: bool, normalised: bool) -> None:
    block, x_ND = made(own_widths, normalised)

    def run(x: Tensor, centres: Tensor, log_widths: Tensor) -> Tensor:
        result: Tensor = torch.func.functional_call(block, {"centres": centres, "log_widths": log_widths}, (x,))
        return result

    inputs = [tensor.detach().requires_grad_() for tensor in (x_ND, block.centres, block.log_widths)]
    assert torch.autograd.gradcheck(run, inputs)


def test_what_is_not_learned_is_no_parameter_but_saved() -> None:
    block = Radial(3, 5, learned=False)
    assert list(block.parameters()) == []
    assert set(block.state_dict()) == {"centres", "log_widths"}


def test_distances_keep_their_digits_far_from_zero() -> None:
    torch.manual_seed(0)
    block, x_ND = Radial(3, 5), torch.randn(7, 3)
    near = block(x_ND)
    with torch.no_grad():
        block.centres += 1000
    assert torch.allclose(block(x_ND + 1000), near, atol=1e-3)


@pytest.mark.covers("B7")
def test_a_centre_at_each_point_interpolates_as_scipy_does() -> None:
    stream = np.random.default_rng(0)
    points, values = stream.uniform(-1, 1, (40, 2)), stream.normal(size=40)
    new, width = stream.uniform(-1, 1, (100, 2)), 0.2
    block = Radial(2, 40).double()
    with torch.no_grad():
        block.centres.copy_(torch.from_numpy(points))
        block.log_widths.fill_(np.log(width))
        weights = torch.linalg.solve(block(torch.from_numpy(points)), torch.from_numpy(values))
        ours = (block(torch.from_numpy(new)) @ weights).numpy()
    theirs = RBFInterpolator(points, values, kernel="gaussian", epsilon=1 / (np.sqrt(2) * width), degree=-1)(new)
    assert ours == pytest.approx(theirs, abs=1e-7)
