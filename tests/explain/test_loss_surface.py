"""Loss surfaces against closed forms: a linear model's quadratic, the lengths of filters, a way that lies in a plane.

Shape letters: N samples, F features.
"""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pellucid.errors import OptionError
from pellucid.explain import Objective, filter_normalised, loss_surface, slice_along, slice_between
from pellucid.explain.landscape.loss_surface import slice_chart, surface_chart
from pellucid.seed import seed_torch


def linear(samples: int = 50) -> tuple[Objective, Tensor, Tensor]:
    """Return the squared error of w·x + b, and the matrix and right side that it is a quadratic of."""
    seed_torch(0, "linear")
    network = nn.Linear(3, 1).double()
    inputs_NF = torch.randn(samples, 3, dtype=torch.float64)
    targets_N1 = torch.randn(samples, 1, dtype=torch.float64)
    with_ones = torch.cat([inputs_NF, torch.ones(samples, 1, dtype=torch.float64)], 1)
    return Objective(network, nn.functional.mse_loss, inputs_NF, targets_N1, rows_at_once=16), with_ones, targets_N1


def quadratic(with_ones: Tensor, targets_N1: Tensor, theta: Tensor) -> float:
    """Return 1/N ‖X θ - y‖² by its expansion θᵀ A θ - 2 bᵀ θ + c."""
    count = len(with_ones)
    a, b = with_ones.T @ with_ones / count, with_ones.T @ targets_N1[:, 0] / count
    return float(theta @ a @ theta - 2 * b @ theta + targets_N1.square().mean())


@pytest.mark.covers("C14")
def test_a_linear_models_surface_is_the_quadratics_closed_form() -> None:
    objective, with_ones, targets = linear()
    first, second = (
        {"weight": torch.randn(1, 3, dtype=torch.float64), "bias": torch.randn(1, dtype=torch.float64)} for _ in "de"
    )
    found = loss_surface(objective, (first, second), ends=(-2, 2), points=7)
    vectors = [torch.cat([d["weight"][0], d["bias"]]) for d in (objective.weights, first, second)]
    for row, y in enumerate(found.at_y):
        for column, x in enumerate(found.at_x):
            expected = quadratic(with_ones, targets, vectors[0] + x * vectors[1] + y * vectors[2])
            assert float(found.losses[row, column]) == pytest.approx(expected, abs=1e-9)
    float32 = Objective(objective.network.float(), objective.loss, objective.inputs.float(), targets.float())
    again = loss_surface(float32, (first, second), ends=(-2, 2), points=7)
    assert again.losses == pytest.approx(found.losses.numpy(), rel=1e-6, abs=1e-6)


def test_slices_of_a_quadratic_are_parabolas() -> None:
    objective, with_ones, targets = linear()
    solution = torch.linalg.lstsq(with_ones, targets).solution[:, 0]
    best = {"weight": solution[None, :3], "bias": solution[3:]}
    found = slice_between(objective, objective.weights, best, points=31)
    coefficients = np.polynomial.polynomial.polyfit(found.at_x.numpy(), found.losses.numpy(), 4)
    assert coefficients[3:] == pytest.approx([0, 0], abs=1e-9)
    assert -coefficients[1] / (2 * coefficients[2]) == pytest.approx(1.0)  # the minimum is the second point
    assert found.barrier == pytest.approx(0, abs=1e-12)  # a convex function lies below its chord
    assert "least at 1," in slice_chart(found).says
    along = slice_along(objective, seed=3, points=9)
    assert float(along.losses[4]) == pytest.approx(quadratic(with_ones, targets, _theta(objective)))


def test_filters_of_a_random_direction_are_as_long_as_the_networks() -> None:
    seed_torch(0, "filters")
    network = nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.ConvTranspose2d(5, 4, 2), nn.Flatten(),
        nn.LayerNorm((144,)), nn.Linear(144, 6),
    )  # fmt: skip
    direction = filter_normalised(network, seed=1)
    for name, parameter in network.named_parameters():
        if parameter.ndim < 2:
            assert not direction[name].any()
            continue
        filters = 1 if name == "3.weight" else 0
        lengths = [each.detach().movedim(filters, 0).flatten(1).norm(dim=1) for each in (direction[name], parameter)]
        torch.testing.assert_close(lengths[0], lengths[1])
    again, other = filter_normalised(network, seed=1), filter_normalised(network, seed=1, number=1)
    assert torch.equal(again["0.weight"], direction["0.weight"])
    assert not torch.equal(other["0.weight"], direction["0.weight"])


def test_the_network_is_left_as_it_was() -> None:
    seed_torch(0, "left")
    network = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3)).train()
    network[1].eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    data = torch.randn(20, 4), torch.randint(0, 3, (20,))
    found = loss_surface(Objective(network, nn.functional.cross_entropy, *data), points=3)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert [module.training for module in network.modules()] == [True, True, False, True, True]
    assert not any(parameter.grad is not None for parameter in network.parameters())
    with torch.no_grad():
        loss = nn.functional.cross_entropy(network.eval()(data[0]), data[1])
    assert float(found.losses[1, 1]) == pytest.approx(float(loss))


def test_a_way_within_a_plane_is_told_whole() -> None:
    objective, *_ = linear()
    end = objective.weights
    one = {"weight": torch.tensor([[1.0, 2.0, 0.0]]).double(), "bias": torch.tensor([0.0]).double()}
    two = {"weight": torch.tensor([[0.0, 0.0, 1.0]]).double(), "bias": torch.tensor([-1.0]).double()}
    steps = [(3.0, 1.0), (2.0, -1.0), (1.0, 0.5), (0.0, 0.0)]
    states = [{name: end[name] + a * one[name] + b * two[name] for name in end} for a, b in steps]
    given = loss_surface(objective, (one, two), states=states, points=5)
    assert given.way is not None
    assert given.way.places.numpy() == pytest.approx(np.array(steps), abs=1e-9)
    assert float(given.at_x[-1]) == pytest.approx(3.3)  # the axis reaches beyond the way
    found = loss_surface(objective, "principal", states=states, points=5)
    assert found.way is not None
    assert (found.way.explained, given.way.explained) == pytest.approx((1.0, 1.0))
    assert found.cosine == pytest.approx(0, abs=1e-9)
    for (a, b), place in zip(steps, found.way.places, strict=True):  # lengths are kept by orthonormal directions
        assert float(place.norm()) == pytest.approx((5 * a**2 + 2 * b**2) ** 0.5, abs=1e-9)
    shown = surface_chart(found)
    assert "100 % of the variance" in shown.says
    assert len(shown.paths[0].x) == 4


def test_the_share_of_a_way_along_two_axes_is_its_variance_there() -> None:
    network = nn.Linear(4, 1, bias=False).double()
    objective = Objective(network, nn.functional.mse_loss, torch.ones(2, 4).double(), torch.ones(2, 1).double())
    way_S4 = torch.randn(12, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    states = [{"weight": row[None]} for row in way_S4]
    axes = [{"weight": torch.eye(4, dtype=torch.float64)[place][None]} for place in (0, 1)]
    found = loss_surface(objective, (axes[0], axes[1]), states=states, points=3)
    variances = way_S4.var(0)
    assert found.way is not None
    assert found.way.explained == pytest.approx(float(variances[:2].sum() / variances.sum()))
    best = loss_surface(objective, "principal", states=states, points=3).way
    values = torch.linalg.eigvalsh(way_S4.T.cov()).flip(0)
    assert best is not None
    assert best.explained == pytest.approx(float(values[:2].sum() / values.sum()))


class Recurrent(nn.Module):
    """An LSTM, which torch.func.vmap knows no rule for."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.say = nn.LSTM(2, 3, batch_first=True), nn.Linear(3, 1)

    def forward(self, x: Tensor) -> Tensor:
        said: Tensor = self.say(self.read(x)[0][:, -1])
        return said


def test_a_network_that_cannot_be_computed_for_several_weights_at_once() -> None:
    seed_torch(0, "recurrent")
    network, inputs, targets = Recurrent(), torch.randn(6, 5, 2), torch.randn(6, 1)
    found = loss_surface(Objective(network, nn.functional.mse_loss, inputs, targets), points=3)
    with torch.no_grad():
        assert float(found.losses[1, 1]) == pytest.approx(float((network(inputs) - targets).square().mean()))


def test_what_cannot_be_is_refused() -> None:
    objective, *_ = linear()
    with pytest.raises(OptionError, match="three state dicts"):
        loss_surface(objective, "principal", states=[objective.weights])


def _theta(objective: Objective) -> Tensor:
    return torch.cat([objective.weights["weight"][0], objective.weights["bias"]])
