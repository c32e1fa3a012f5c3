"""Single neurons and what layers of them do: activations, edge filters, sharing, normalisation, approximation."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from sklearn.datasets import load_sample_image
from torch import Tensor, nn

from pellucid.networks import NONLINEARITIES, WORDS, build, parse
from pellucid.networks.nonlinearities import SATURATED
from pellucid.networks.words import Activation
from pellucid.shapes import Image

SMOOTH = {name: facts for name, facts in NONLINEARITIES.items() if facts.slope is not None}
GRID = torch.linspace(-12, 12, 24_001, dtype=torch.float64)


@pytest.mark.covers("A1")
def test_a_neuron_of_the_zoo_takes_weights_by_hand() -> None:
    neuron = build("2 -> mcculloch-pitts(threshold=2, bias=no)")
    neuron.load_state_dict({"fc1.weight": torch.tensor([[1.0, 1.0]])})
    corners = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    assert neuron(corners).flatten().tolist() == [0, 0, 0, 1]
    assert str(parse("2 -> mcculloch-pitts(threshold=2, bias=no)")) == "2 -> fc(1, bias=no) -> step(2)"
    assert str(parse("2 -> mcculloch-pitts(threshold=0.1234567)")) == "2 -> fc(1) -> step(0.1234567)"


def values_and_slopes(name: str, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return an activation's values, and its derivative by autograd."""
    x = x.clone().requires_grad_()
    y = build(f"1 -> {name}").double()(x[:, None])[:, 0]
    (slope,) = torch.autograd.grad(y.sum(), x) if y.requires_grad else (torch.zeros_like(x),)
    return y.detach(), slope


@pytest.mark.covers("A5")
def test_every_activation_has_its_facts() -> None:
    activations = {name for name, word in WORDS.items() if issubclass(word, Activation)}
    assert activations | {"maxout"} == set(NONLINEARITIES)
    assert all(facts.use and facts.formula for facts in NONLINEARITIES.values())


@pytest.mark.covers("A5")
@pytest.mark.parametrize("name", SMOOTH)
def test_the_derivative_is_the_one_autograd_finds(name: str) -> None:
    x = GRID + 0.0003  # beside the kinks
    slope = SMOOTH[name].slope
    assert slope is not None
    assert (slope(x) - values_and_slopes(name, x)[1]).abs().max() < 1e-6


@pytest.mark.covers("A5")
@pytest.mark.parametrize("name", SMOOTH)
def test_the_range_and_the_saturated_zone_are_as_told(name: str) -> None:
    facts = SMOOTH[name]
    values, slopes = values_and_slopes(name, GRID)
    for limit, reached in ((facts.low, values.min()), (facts.high, values.max())):
        assert abs(limit - reached) < 1e-4 if math.isfinite(limit) else abs(reached) >= 0.1
    assert facts.low - 1e-4 <= values.min()
    assert values.max() <= facts.high + 1e-4
    lively = GRID[slopes.abs() >= SATURATED * (1 - 1e-9)]
    if facts.saturation == "everywhere":
        assert not len(lively)
        return
    below = None if lively[0] == GRID[0] else float(lively[0])
    above = None if lively[-1] == GRID[-1] else float(lively[-1])
    assert below == pytest.approx(facts.below, abs=2e-3)
    assert above == pytest.approx(facts.above, abs=2e-3)


@pytest.mark.covers("A5")
def test_the_matrix_of_softmax_and_the_slope_of_maxout() -> None:
    x = torch.randn(5, dtype=torch.float64)
    softmax = build("5 -> softmax")
    y = softmax(x[None])[0]
    jacobian = torch.autograd.functional.jacobian(lambda v: softmax(v[None])[0], x)
    assert (jacobian - (y.diag() - y[:, None] * y)).abs().max() < 1e-12
    maxout = build("1 -> maxout(1, 3)", seed=0).double()
    x.requires_grad_()
    (slope,) = torch.autograd.grad(maxout(x[:, None]).sum(), x)
    weight, bias = (parameter.detach() for parameter in maxout.parameters())
    best = (x.detach()[:, None] * weight[:, 0] + bias).argmax(1)
    assert torch.equal(slope, weight[best, 0])


@pytest.mark.covers("A6")
@settings(max_examples=20, deadline=None)
@given(sizes=st.lists(st.integers(1, 9), min_size=2, max_size=6), seed=st.integers(0, 99))
def test_a_stack_of_linear_layers_is_one_layer(sizes: list[int], seed: int) -> None:
    """W = W_L ... W_1 and b = W_L ... W_2 b_1 + ... + b_L; with an activation between, no such layer exists."""
    stack = build(f"{sizes[0]} -> " + " -> identity -> ".join(f"fc({units})" for units in sizes[1:]), seed).double()
    weight, bias = torch.eye(sizes[0], dtype=torch.float64), torch.zeros(sizes[0], dtype=torch.float64)
    for layer in stack.children():
        if isinstance(layer, nn.Linear):
            weight, bias = layer.weight @ weight, layer.weight @ bias + layer.bias
    one = build(f"{sizes[0]} -> fc({sizes[-1]})").double()
    one.load_state_dict({"fc1.weight": weight, "fc1.bias": bias})
    x = torch.randn(50, sizes[0], dtype=torch.float64)
    assert (stack(x) - one(x)).abs().max() < 1e-12


@pytest.mark.covers("A6")
def test_with_an_activation_no_one_layer_does_the_same() -> None:
    x = torch.randn(500, 3, dtype=torch.float64)
    augmented = torch.cat([x, torch.ones(500, 1)], 1)
    for between, linear in (("identity", True), ("relu", False), ("tanh", False)):
        y = build(f"3 -> fc(8) -> {between} -> fc(1)", seed=0).double()(x).detach()
        left = y - augmented @ torch.linalg.lstsq(augmented, y).solution
        assert bool(left.std() / y.std() < 1e-12) is linear
        assert bool(left.std() / y.std() > 0.02) is not linear


GRAY = load_sample_image("china.jpg").mean(2).astype(np.float32)[100:220, 200:360] / 255
SCHARR = np.array([[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]], dtype=np.float32)
SLOPES = {
    "prewitt": (ndimage.prewitt(GRAY, 1), ndimage.prewitt(GRAY, 0)),
    "sobel": (ndimage.sobel(GRAY, 1), ndimage.sobel(GRAY, 0)),
    "scharr": (ndimage.correlate(GRAY, SCHARR), ndimage.correlate(GRAY, SCHARR.T)),
}


@pytest.mark.covers("A8")
@pytest.mark.parametrize("name", SLOPES)
@pytest.mark.parametrize("angle", [0, 90, 180, 270, 30, -75])
def test_edge_filters_agree_with_scipy_on_a_photograph(name: str, angle: int) -> None:
    rightwards, downwards = SLOPES[name]
    height, width = GRAY.shape
    model = build(f"{height}x{width}x1 -> edges({name}, angle={angle})")
    assert not list(model.parameters())
    expected = math.cos(math.radians(angle)) * rightwards + math.sin(math.radians(angle)) * downwards
    ours = model(torch.from_numpy(GRAY)[None, None])[0, 0].numpy()
    assert ours == pytest.approx(expected[1:-1, 1:-1], abs=1e-4)


@pytest.mark.covers("A8")
def test_an_edge_is_found_at_its_own_angle() -> None:
    """A disc's rim rises most in the direction of its centre; every channel is filtered by itself."""
    y, x = torch.meshgrid(torch.arange(65.0) - 32, torch.arange(65.0) - 32, indexing="ij")
    disc = torch.sigmoid((20 - (x.square() + y.square()).sqrt()) / 2)
    image = torch.stack([disc, torch.zeros_like(disc), -disc])[None]
    for angle in range(0, 360, 45):
        model = build(f"65x65x3 -> edges(scharr, angle={angle}, padding=same)")
        found = model(image)[0]
        assert found.shape == (3, 65, 65)
        assert not found[1].any()
        assert torch.allclose(found[2], -found[0])
        inner = found[0][2:-2, 2:-2]
        row, column = divmod(int(inner.argmax()), 61)
        seen = math.degrees(math.atan2(row + 2 - 32, column + 2 - 32))
        assert abs((seen - (angle + 180) + 180) % 360 - 180) < 8


@pytest.mark.covers("A10")
def test_a_convolution_is_a_sparse_layer_whose_weights_are_shared() -> None:
    """As a fully connected layer it would have 36 x 64 weights, 9 in a row of 64 not 0, and 9 values in all."""
    conv = build("8x8x1 -> conv(1, 3x3, bias=no)", seed=0)
    dense = torch.autograd.functional.jacobian(lambda x: conv(x.view(1, 1, 8, 8)).flatten(), torch.randn(64))
    assert dense.shape == (36, 64)
    assert ((dense != 0).sum(1) == 9).all()
    assert len(dense[dense != 0].unique()) == 9
    assert parse("8x8x1 -> conv(1, 3x3, bias=no)").parameters == 9
    assert parse("8x8x1 -> fc(36, bias=no)").parameters == dense.numel()


@pytest.mark.covers("A10")
def test_convolution_moves_with_its_input_and_a_dense_layer_does_not() -> None:
    x = torch.randn(1, 1, 16, 16)
    moved = x.roll((2, 3), (2, 3))
    conv = build("16x16x1 -> conv(4, 3x3) -> relu", seed=0)
    assert torch.allclose(conv(moved)[..., 3:, 4:], conv(x)[..., 1:-2, 1:-3], atol=1e-6)
    dense = build("16x16x1 -> fc(196) -> reshape(14x14x1)", seed=0)
    assert not torch.allclose(dense(moved)[..., 3:, 4:], dense(x)[..., 1:-2, 1:-3], atol=0.1)
    # one pixel changes a window's worth of places here, and every unit there
    changed = x.clone()
    changed[..., 8, 8] += 1
    assert int((conv(changed) != conv(x)).any(1).sum()) <= 9
    assert int((dense(changed) != dense(x)).sum()) == 196


@pytest.mark.covers("A10")
@pytest.mark.parametrize(("network", "share"), [("lenet5", 0.95), ("alexnet", 0.9), ("vgg16", 0.89)])
def test_most_parameters_of_a_classic_network_sit_in_its_dense_layers(network: str, share: float) -> None:
    rows = [row for row in parse(network).table().rows if row.depth == 0]
    dense = sum(row.parameters for row in rows if row.word.startswith("fc"))
    total = sum(row.parameters for row in rows)
    assert dense / total > share
    convolved = sum(row.flops or 0 for row in rows if row.word.startswith("conv"))
    assert convolved > sum(row.flops or 0 for row in rows if row.word.startswith("fc"))


@pytest.mark.covers("A11")
def test_a_bias_before_batch_norm_is_redundant() -> None:
    model, x = build("6 -> fc(4) -> batchnorm", seed=0).train(), torch.randn(30, 6)
    before = model(x).detach()
    for name, parameter in model.named_parameters():
        if name == "fc1.bias":
            parameter.data += torch.tensor([1.0, -2.0, 5.0, 0.5])
    assert torch.allclose(model(x), before, atol=1e-5)
    (model(x) * torch.randn(30, 4)).sum().backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert gradients["fc1.bias"] is not None
    assert gradients["fc1.bias"].abs().max() < 1e-4
    assert gradients["fc1.weight"] is not None
    assert gradients["fc1.weight"].abs().max() > 0.1


@pytest.mark.covers("A11")
def test_the_moving_averages_weigh_the_past_exponentially() -> None:
    model = build("1 -> batchnorm").train()
    batches = [torch.randn(20, 1) + shift for shift in range(12)]
    for batch in batches:
        model(batch)
    weights = [0.1 * 0.9 ** (len(batches) - 1 - place) for place in range(len(batches))]
    expected = sum(weight * float(batch.mean()) for weight, batch in zip(weights, batches, strict=True))
    assert float(model.state_dict()["bn1.running_mean"]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.covers("A12")
def test_dropout_is_the_mean_of_a_bag_of_thinned_networks() -> None:
    """For one linear layer behind it, the mean over all 2^6 masks, each by its probability, is the network without."""
    keep, x = 0.7, torch.randn(4, 6)
    model = build("6 -> dropout(0.3) -> fc(3)", seed=0)
    (layer,) = [module for module in model.children() if isinstance(module, nn.Linear)]
    bag = torch.zeros(4, 3)
    for number in range(64):
        mask = torch.tensor([float(number >> place & 1) for place in range(6)])
        kept = float(mask.sum())
        bag += keep**kept * (1 - keep) ** (6 - kept) * layer(x * mask / keep)
    assert torch.allclose(model.eval()(x), bag, atol=1e-5)
    torch.manual_seed(0)
    drawn = torch.stack([model.train()(x) for _ in range(4_000)])
    error = drawn.std(0) / 4_000**0.5
    assert ((drawn.mean(0) - bag).abs() < 5 * error).all()


@pytest.mark.covers("A14")
def test_the_receptive_field_of_every_layer_of_lenet() -> None:
    fields = {row.name: str(row.receptive_field) for row in parse("lenet5").table().rows}
    assert fields["conv1"] == "5x5"
    assert fields["avgpool1"] == "6x6"
    assert fields["conv2"] == "14x14"
    assert fields["avgpool2"] == "16x16"
    assert isinstance(parse("lenet5.features").output, Image)


@pytest.mark.covers("A7")
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_convolution_arithmetic_on_unlike_axes(data: st.DataObject) -> None:
    """(n + 2p - d (f - 1) - 1) / s + 1, rounded down, along each axis by itself, is what torch gives."""
    n, f, s, p, d = (
        [data.draw(st.integers(low, high)) for _ in range(2)] for low, high in ((7, 14), (1, 4), (1, 3), (0, 2), (1, 2))
    )
    window = f"{f[0]}x{f[1]}, stride={s[0]}x{s[1]}, padding={p[0]}x{p[1]}, dilation={d[0]}x{d[1]}"
    plan = parse(f"{n[0]}x{n[1]}x2 -> conv(3, {window})")
    height, width = ((n[a] + 2 * p[a] - d[a] * (f[a] - 1) - 1) // s[a] + 1 for a in range(2))
    assert plan.output == Image(height, width, 3)
    x, weight = torch.randn(1, 2, *n), torch.randn(3, 2, *f)
    model = build(plan)
    model.load_state_dict({"conv1.weight": weight, "conv1.bias": torch.zeros(3)})
    assert torch.allclose(model(x), nn.functional.conv2d(x, weight, None, s, p, d), atol=1e-5)


@pytest.mark.covers("A7")
@pytest.mark.parametrize(("n", "f", "p"), [(7, 3, 0), (8, 5, 0), (7, 3, 1), (9, 4, 2)])
def test_how_many_windows_see_each_pixel(n: int, f: int, p: int) -> None:
    """Along an axis place i is in min(i + p, n + 2p - f) - max(i + p - f + 1, 0) + 1 windows; corners in fewest."""
    model = build(f"{n}x{n}x1 -> conv(1, {f}x{f}, padding={p}, bias=no)")
    model.load_state_dict({"conv1.weight": torch.ones(1, 1, f, f)})
    x = torch.zeros(1, 1, n, n, requires_grad=True)
    (seen,) = torch.autograd.grad(model(x).sum(), x)
    along = torch.tensor([float(min(i + p, n + 2 * p - f) - max(i + p - f + 1, 0) + 1) for i in range(n)])
    assert torch.equal(seen[0, 0], torch.outer(along, along))
    assert seen[0, 0, 0, 0] == seen.min() < seen.max()


@pytest.mark.covers("A5")
@pytest.mark.parametrize("name", NONLINEARITIES)
def test_the_page_has_each_activations_facts(name: str) -> None:
    facts, page = NONLINEARITIES[name], Path(__file__).parents[2] / "docs" / "neurons.md"
    row = f"| `{name}` | {facts.formula} | {facts.range} | {facts.saturation} | {facts.use} |"
    assert row in page.read_text(encoding="utf-8").splitlines()
