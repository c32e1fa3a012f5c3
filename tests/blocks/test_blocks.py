"""The blocks against NumPy, SciPy and their formulas."""

import inspect
import sys
from itertools import product

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage, stats
from scipy.optimize import linprog
from torch import nn

from pellucid import blocks
from pellucid.networks import build


def test_blocks_import_only_torch() -> None:
    for name in blocks.__all__:
        module = sys.modules[getattr(blocks, name).__module__]
        lines = [line for line in inspect.getsource(module).splitlines() if line.startswith(("import", "from"))]
        assert all("torch" in line.split()[1] for line in lines)


@pytest.mark.parametrize(("block", "reference"), [(blocks.MedianPool, "median"), (blocks.MinPool, "minimum")])
def test_pooling_agrees_with_scipy(block: type[nn.Module], reference: str) -> None:
    x = torch.randn(2, 3, 9, 8)
    padding = {"padding": (0, 0)} if block is blocks.MinPool else {}
    got = block((3, 3), (2, 1), **padding)(x).numpy()
    for n, c in product(range(2), range(3)):
        filtered = getattr(ndimage, f"{reference}_filter")(x[n, c].numpy(), size=3)
        assert np.array_equal(got[n, c], filtered[1:-1:2, 1:-1])


def test_median_of_an_even_number_is_the_mean_of_the_middle_two() -> None:
    x = torch.randn(2, 3, 10)
    got = blocks.MedianPool((4,), (4,))(x)
    assert got.numpy() == pytest.approx(np.median(x[..., :8].reshape(2, 3, 2, 4).numpy(), -1))


def test_maxout_is_the_largest_of_its_pieces() -> None:
    maxout, x = blocks.Maxout(5, 3, 4), torch.randn(7, 5)
    weight, bias = maxout.linear.weight.view(3, 4, 5), maxout.linear.bias.view(3, 4)
    pieces = torch.einsum("upi,ni->nup", weight, x) + bias
    assert torch.allclose(maxout(x), pieces.amax(-1), atol=1e-6)


def test_maxout_of_two_pieces_can_be_relu_and_the_absolute_value() -> None:
    maxout, x = blocks.Maxout(1, 1, 2), torch.linspace(-2, 2, 9)[:, None]
    nn.init.zeros_(maxout.linear.bias)
    for slopes, expected in (((0.0, 1.0), x.relu()), ((-1.0, 1.0), x.abs())):
        maxout.linear.weight.data = torch.tensor(slopes)[:, None]
        assert torch.equal(maxout(x), expected)


def test_resize_smooths_before_it_shrinks() -> None:
    stripes = torch.tensor([0.0, 1.0]).repeat(16).expand(1, 1, 32, 32)
    assert blocks.Resize((8, 8))(stripes).sub(0.5).abs().max() < 0.1
    naive = nn.functional.interpolate(stripes, size=(11, 11), mode="nearest")
    assert naive.sub(0.5).abs().max() == 0.5


def test_sample_is_normal_in_training_and_the_mean_at_inference() -> None:
    sample = blocks.Sample()
    x = torch.cat([torch.full((20_000, 1), 3.0), torch.full((20_000, 1), np.log(4.0))], 1)
    torch.manual_seed(0)
    drawn = sample.train()(x)
    assert drawn.mean().item() == pytest.approx(3, abs=0.06)
    assert drawn.std().item() == pytest.approx(2, abs=0.05)
    assert sample.eval()(x).unique().tolist() == [3.0]


def test_divergence_is_torchs() -> None:
    x = torch.randn(6, 10)
    mean, deviation = x[:, :5], (x[:, 5:] / 2).exp()
    normal = torch.distributions.Normal(mean, deviation)
    expected = torch.distributions.kl_divergence(normal, torch.distributions.Normal(0.0, 1.0)).sum(1)
    assert torch.allclose(blocks.Sample.divergence(x), expected, atol=1e-5)


def test_noise_is_normal_in_training_and_none_at_inference() -> None:
    noise, x = blocks.GaussianNoise(0.3), torch.linspace(-2, 2, 40_000)
    added = noise(x) - x
    assert stats.kstest((added / 0.3).numpy(), "norm").pvalue > 1e-3
    assert abs(float(torch.corrcoef(torch.stack([added, x]))[0, 1])) < 0.02
    assert torch.equal(noise.eval()(x), x)


CORNERS = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def neuron(inputs: torch.Tensor, weights: list[float], threshold: float) -> list[int]:
    """Return what a McCulloch-Pitts neuron answers."""
    model = build(f"{inputs.shape[1]} -> fc(1, bias=no) -> step({threshold})")
    model.load_state_dict({"fc1.weight": torch.tensor([weights])})
    return [int(y) for y in model(inputs).flatten()]


@pytest.mark.covers("A1")
def test_one_neuron_is_and_or_not() -> None:
    assert neuron(CORNERS, [1.0, 1.0], 2) == [0, 0, 0, 1]
    assert neuron(CORNERS, [1.0, 1.0], 1) == [0, 1, 1, 1]
    assert neuron(torch.tensor([[0.0], [1.0]]), [-1.0], 0) == [1, 0]


def one_neuron_can(targets: NDArray[np.int64]) -> bool:
    """Say whether weights and a threshold exist with w.x - t >= 1 where the target is 1 and <= -1 where it is 0.

    Any gap between the two can be scaled to that.
    """
    rows = (1 - 2 * targets[:, None]) * np.column_stack([CORNERS.numpy(), -np.ones(4)])
    feasible: bool = linprog(np.zeros(3), rows, -np.ones(4), bounds=(None, None)).status == 0
    return feasible


@pytest.mark.covers("A1")
def test_xor_takes_three_neurons() -> None:
    xor, conjunction = np.array([0, 1, 1, 0]), np.array([0, 0, 0, 1])
    assert not one_neuron_can(xor)
    assert one_neuron_can(conjunction)
    # the hidden neurons are OR and its opposite of AND, the output neuron is their AND
    model = build("2 -> fc(2) -> step -> fc(1) -> step")
    model.load_state_dict({
        "fc1.weight": torch.tensor([[1.0, 1.0], [-1.0, -1.0]]),
        "fc1.bias": torch.tensor([-1.0, 1.0]),
        "fc2.weight": torch.tensor([[1.0, 1.0]]),
        "fc2.bias": torch.tensor([-2.0]),
    })  # fmt: skip
    assert model(CORNERS).flatten().tolist() == xor.tolist()
