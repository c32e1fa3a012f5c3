"""Kinds of critical points against closed forms, and Hessians against torch.autograd's own.

Shape letters: W weights.
"""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pellucid.explain import Objective, curvature, curvature_at
from pellucid.explain.landscape.curvature import curvature_chart, hessian, hessian_product
from pellucid.seed import seed_torch


def quadratic(values: list[float], seed: int = 0) -> Tensor:
    """Return a symmetric matrix with these eigenvalues."""
    basis = torch.linalg.qr(
        torch.randn(len(values), len(values), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    ).Q
    matrix_WW: Tensor = basis @ torch.diag(torch.tensor(values, dtype=torch.float64)) @ basis.T
    return matrix_WW


@pytest.mark.covers("C14")
@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([1.0, 2.0, 5.0], "minimum"),
        ([-1.0, -2.0, -5.0], "maximum"),
        ([-1.0, 2.0, 5.0], "saddle"),
        ([-1.0, 0.0, 5.0], "saddle"),
        ([0.0, 2.0, 5.0], "flat directions"),
        ([0.0, 0.0, 0.0], "flat directions"),
    ],
)
@pytest.mark.parametrize("exact", [True, False])
def test_quadratics_are_what_their_eigenvalues_say(values: list[float], verdict: str, exact: bool) -> None:
    low, high = min(values), max(values)
    between = np.linspace(0.95 * low + 0.05 * high, 0.05 * low + 0.95 * high, 57).tolist()
    everything = values if exact else [*values, *between]
    matrix_WW = quadratic(everything)
    found = curvature_at(
        lambda at: at @ matrix_WW @ at / 2 + 3, torch.zeros(len(everything)), largest_exact=500 if exact else 0
    )
    assert found.verdict == verdict
    assert (found.exact, found.value, found.gradient_norm) == (exact, 3.0, 0.0)
    ordered = sorted(everything)
    expected = ordered if exact else [*ordered[:3], *ordered[-3:]]
    assert found.eigenvalues.tolist() == pytest.approx(expected, abs=1e-4)
    if exact:
        assert found.negative == sum(value < 0 for value in values)
        assert found.flat == sum(value == 0 for value in values)


def test_a_saddle_and_the_slope_beside_it() -> None:
    def saddle(at: Tensor) -> Tensor:
        return at[0] ** 2 - at[1] ** 2

    found = curvature_at(saddle, torch.zeros(2))
    assert (found.verdict, found.negative, found.eigenvalues.tolist()) == ("saddle", 1, [-2.0, 2.0])
    beside = curvature_at(saddle, torch.tensor([3.0, 4.0]))
    assert beside.verdict == "not a critical point (gradient norm 10)"


def test_the_cubic_is_not_decided_by_the_second_order() -> None:
    assert curvature_at(lambda at: at[0] ** 3 + at[1] ** 2, torch.zeros(2)).verdict == "flat directions"


def small_network() -> Objective:
    seed_torch(0, "small")
    network = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4))
    return Objective(network, nn.functional.cross_entropy, torch.randn(30, 3), torch.randint(0, 4, (30,)), 8)


def reference(objective: Objective) -> Tensor:
    """Return the Hessian that torch.autograd.functional computes, of all data at once, in float64."""
    network = copy.deepcopy(objective.network).double()
    names = [name for name, _ in network.named_parameters()]
    weights = tuple(parameter.detach() for parameter in network.parameters())

    def loss(*given: Tensor) -> Tensor:
        by_name = dict(zip(names, given, strict=True))
        outputs = torch.func.functional_call(network, by_name, (objective.inputs.double(),))
        return objective.loss(outputs, objective.targets)

    blocks = torch.autograd.functional.hessian(loss, weights)
    sizes = [each.numel() for each in weights]
    return torch.cat(
        [
            torch.cat([block.reshape(size, other) for block, other in zip(row, sizes, strict=True)], 1)
            for row, size in zip(blocks, sizes, strict=True)
        ]
    )


def test_a_networks_hessian_is_autograds() -> None:
    objective = small_network()
    expected_WW = reference(objective)
    values_W = torch.linalg.eigvalsh(expected_WW)
    exact = curvature(objective)
    assert exact.eigenvalues.numpy() == pytest.approx(values_W.numpy(), abs=1e-12)
    assert (exact.weights, exact.exact) == (44, True)
    lanczos = curvature(objective, largest_exact=0, ends=4)
    ends = torch.cat([values_W[:4], values_W[-4:]])
    assert lanczos.eigenvalues.numpy() == pytest.approx(ends.numpy(), abs=1e-4 * float(values_W.abs().max()))
    assert not lanczos.exact
    assert lanczos.gradient_norm == pytest.approx(exact.gradient_norm)
    assert torch.equal(lanczos.eigenvalues, curvature(objective, largest_exact=0, ends=4).eigenvalues)
    assert next(objective.network.parameters()).dtype == torch.float32


def test_products_with_the_hessian_of_a_function() -> None:
    matrix_WW = quadratic([1.0, 2.0, -3.0, 4.0])
    parts = [lambda at: at @ matrix_WW @ at / 2, lambda at: at.pow(4).sum()]
    point, vector = torch.tensor([1.0, -2.0, 0.5, 3.0]).double(), torch.tensor([1.0, 0.0, 2.0, -1.0]).double()
    expected_WW = matrix_WW + torch.diag(12 * point**2)
    torch.testing.assert_close(hessian_product(parts, point, vector), expected_WW @ vector)
    torch.testing.assert_close(hessian(parts, point), expected_WW)


def test_least_squares_at_its_solution_is_a_minimum_and_with_one_feature_twice_flat() -> None:
    seed_torch(0, "least squares")
    inputs, targets = torch.randn(40, 3), torch.randn(40, 1)
    for twice, verdict in ((False, "minimum"), (True, "flat directions")):
        given = torch.cat([inputs, inputs[:, :1]], 1) if twice else inputs
        network = nn.Linear(given.shape[1], 1, bias=False)
        with torch.no_grad():
            network.weight.copy_((torch.linalg.pinv(given) @ targets).T)
        found = curvature(Objective(network, nn.functional.mse_loss, given, targets))
        assert found.verdict == verdict
        expected = torch.linalg.eigvalsh(2 * given.T.double() @ given.double() / 40)
        assert found.eigenvalues.numpy() == pytest.approx(expected.numpy(), abs=1e-9)


def test_a_figure_of_the_ends_leaves_room_for_the_middle() -> None:
    objective = small_network()
    shown = curvature_chart(curvature(objective, largest_exact=0))
    assert list(shown.lines[0].x) == [1, 2, 3, 42, 43, 44]
    assert shown.says.startswith("The eigenvalues lie between")
