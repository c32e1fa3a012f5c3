"""Least squares in closed form against scikit-learn and NumPy."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, Ridge
from torch import Tensor
from torch.nn import functional as F

from pellucid.training.rules.least_squares import RIDGES, Solution, solve, steepness


def made() -> tuple[Tensor, Tensor]:
    stream = torch.Generator().manual_seed(0)
    features_NM = torch.randn(50, 6, generator=stream, dtype=torch.float64) + 3
    return features_NM, torch.randn(50, 2, generator=stream, dtype=torch.float64) - 1


def only(features_NM: Tensor, targets_NK: Tensor, ridge: float, *, bias: bool = True) -> Solution:
    (solution,) = solve(features_NM, targets_NK, ridge, bias=bias)
    return solution


@pytest.mark.covers("B7")
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("ridge", [0.1, 1.0, 100.0])
def test_a_penalty_gives_the_weights_of_ridge_regression(ridge: float, bias: bool) -> None:
    features_NM, targets_NK = made()
    solution = only(features_NM, targets_NK, ridge, bias=bias)
    theirs = Ridge(alpha=ridge, fit_intercept=bias).fit(features_NM.numpy(), targets_NK.numpy())
    assert solution.weight.numpy() == pytest.approx(theirs.coef_, abs=1e-10)
    assert solution.bias.numpy() == pytest.approx(theirs.intercept_, abs=1e-10)
    assert solution(features_NM).numpy() == pytest.approx(theirs.predict(features_NM.numpy()), abs=1e-10)


def test_no_penalty_gives_linear_regression() -> None:
    features_NM, targets_NK = made()
    theirs = LinearRegression().fit(features_NM.numpy(), targets_NK.numpy())
    assert only(features_NM, targets_NK, 0.0).weight.numpy() == pytest.approx(theirs.coef_, abs=1e-10)


def test_of_many_solutions_it_is_the_one_of_least_norm() -> None:
    features_NM, targets_NK = made()
    doubled_NM = torch.cat([features_NM, features_NM], 1)
    expected = np.linalg.pinv(doubled_NM.numpy()) @ targets_NK.numpy()
    assert only(doubled_NM, targets_NK, 0.0, bias=False).weight.T.numpy() == pytest.approx(expected, abs=1e-8)


@pytest.mark.covers("B7")
def test_a_read_out_without_bias_is_kernel_ridge_regression_on_the_inner_products_of_the_units() -> None:
    """The penalty is on the weights, so the kernel is Phi Phi', and not the Gaussian itself."""
    points_ND, targets_NK = made()
    near = torch.exp(-(torch.cdist(points_ND, points_ND) ** 2) / 2)
    theirs = KernelRidge(alpha=0.3, kernel="precomputed").fit((near @ near.T).numpy(), targets_NK.numpy())
    ours = only(near, targets_NK, 0.3, bias=False)(near)
    assert ours.numpy() == pytest.approx(theirs.predict((near @ near.T).numpy()), abs=1e-9)


def test_penalties_tried_are_shares_of_the_largest_eigenvalue() -> None:
    features_NM, targets_NK = made()
    solutions = list(solve(features_NM, targets_NK))
    largest = np.linalg.norm(features_NM.numpy() - features_NM.numpy().mean(0), 2) ** 2
    assert [solution.ridge for solution in solutions] == pytest.approx([largest * share for share in RIDGES])
    for solution in solutions:
        assert torch.equal(solution.weight, only(features_NM, targets_NK, solution.ridge).weight)


def test_steepness_is_the_minimum_of_the_cross_entropy() -> None:
    stream = torch.Generator().manual_seed(0)
    scores_NK = torch.randn(80, 4, generator=stream, dtype=torch.float64)
    labels_N = torch.where(torch.rand(80, generator=stream) < 0.7, scores_NK.argmax(1), 0)
    smoothed_NK = (80 * F.one_hot(labels_N, 4) + 1) / 84

    def loss(times: float) -> float:
        return float(F.cross_entropy(times * scores_NK, smoothed_NK))

    found = minimize_scalar(loss, bounds=(0, 100), method="bounded", options={"xatol": 1e-9})
    assert steepness(scores_NK, labels_N) == pytest.approx(found.x, abs=1e-5)


def test_scores_that_miss_no_label_are_not_made_infinitely_steep() -> None:
    labels_N = torch.arange(30) % 3
    assert 1 < steepness(F.one_hot(labels_N, 3).double(), labels_N) < 20
