"""Receptive fields: the connections' held against the gradient's, place by place; the effective one against theory."""

import math

import pytest
import torch
from torch import Tensor, nn

from pellucid.chart import Chart, Tiles
from pellucid.errors import OptionError
from pellucid.explain.layers.calls import record
from pellucid.explain.layers.field import field_figure, receptive_field
from pellucid.networks import build, parse
from tests.networks.test_figures import PLACED

pytestmark = pytest.mark.covers("A14")

DILATED = "T=64 x 2 -> " + " -> relu -> ".join(f"conv(4, kernel=3, dilation={2**n}, padding=same)" for n in range(4))
WIDE = "3 * (conv(4, 3x3, stride=2, padding=1) -> relu -> residual(conv(4, 3x3, padding=1) -> relu -> conv(4, 3x3, padding=1)))"  # fmt: skip  # noqa: E501 (one word)


@pytest.mark.parametrize("layer", ["conv1", "avgpool1", "conv2", "avgpool2"])
def test_the_central_unit_of_each_layer_of_lenet(layer: str) -> None:
    plan = parse("lenet5")
    found = receptive_field(build(plan, seed=0), plan.input, layer, samples=4)
    (row,) = (row for row in plan.table().rows if row.name == layer)
    assert found.theoretical == row.receptive_field
    assert found.agrees
    assert found.measured[0][1] - found.measured[0][0] == (row.receptive_field.extent or (0,))[0]


@pytest.mark.parametrize("layer", ["relu1", "residual1", "residual3", "residual4", "residual7", "relu10"])
def test_the_central_unit_of_the_blocks_of_resnet20(layer: str) -> None:
    found = receptive_field(build("resnet20", seed=0), (1, 3, 32, 32), layer, samples=2)
    assert found.agrees


def test_a_residual_stack_whose_field_ends_within_the_image() -> None:
    found = receptive_field(build(f"127x127x1 -> {WIDE}", seed=0), (1, 1, 127, 127), samples=2)
    assert found.theoretical.extent == (71, 71)
    assert found.agrees
    # unit 8 of 16 starts at 8 * 8 less the paddings, 1 + 2 * 2, 2 + 2 * 4 and 4 + 2 * 8 places
    assert found.measured == ((29, 100), (29, 100))


def test_a_dilated_stack_sees_two_to_the_layers() -> None:
    found = receptive_field(build(DILATED, seed=0), parse(DILATED).input, samples=4)
    assert found.theoretical.extent == (2 * (2**4 - 1) + 1,)
    assert found.agrees
    assert found.measured == ((32 - 15, 32 + 16),)


@pytest.mark.parametrize("text", [text for text in PLACED if "upsample" not in text])
def test_every_window_of_the_notation_is_measured_where_it_is(text: str) -> None:
    plan = parse(text)
    found = receptive_field(build(plan, seed=0), plan.input, samples=2)
    assert found.agrees
    assert str(found.theoretical) == str(plan.receptive_field)


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1)
        self.down = nn.MaxPool2d(3, 2, ceil_mode=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(torch.relu(self.conv(x)))
        left, right = x[..., 1:], x[..., :-1]
        pooled: Tensor = self.down(torch.cat([left * right, torch.nn.functional.gelu(left)], dim=1))
        return pooled.permute(0, 2, 3, 1).flatten(1, 2)


def test_functions_slices_and_shared_layers_of_any_module() -> None:
    found = receptive_field(Twice(), (1, 1, 20, 20))
    assert found.layer == "down"
    assert found.theoretical.extent == (7, 8)  # two 3x3, two neighbours along the rows, a pooling of three
    assert found.agrees


def test_negative_weights_and_dead_units_hide_nothing() -> None:
    model = nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU(), nn.Conv2d(1, 1, 3), nn.Sigmoid())
    with torch.no_grad():
        for weight in model.parameters():
            weight.fill_(-100.0)
    found = receptive_field(model, (1, 1, 9, 9))
    assert found.measured == found.places == ((2, 7), (2, 7))


def test_what_mixes_everything_sees_everything() -> None:
    def fields(model: nn.Module, sizes: tuple[int, ...]) -> list[str]:
        calls = record(model, sizes).calls
        return [str(call.seen.field) for call in calls if call.inside == 0 and call.seen]

    norm = nn.Sequential(nn.Conv2d(2, 2, 3), nn.GroupNorm(1, 2))
    assert fields(norm, (1, 2, 6, 6)) == ["3x3", "all"]
    assert fields(nn.Sequential(nn.Conv2d(1, 2, 3), nn.InstanceNorm2d(2)), (1, 1, 6, 6)) == ["3x3", "all"]
    assert fields(nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveMaxPool2d(1), nn.Flatten()), (1, 1, 6, 6))[1:] == [
        "all", "all",
    ]  # fmt: skip
    assert fields(nn.LSTM(3, 4), (5, 1, 3)) == ["all"]
    # rows are mixed, columns are not
    assert fields(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(4, 4)), (1, 1, 6, 6)) == ["3x3", "3x6"]


class PartlyWritten(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = torch.zeros_like(x)
        y[..., 1:] = x[..., :-1]
        return torch.relu(y)


def test_what_is_written_into_a_part_of_a_tensor_is_taken_to_see_all() -> None:
    recording = record(PartlyWritten(), (1, 1, 4, 4))
    assert recording.calls[0].seen is not None
    assert str(recording.calls[0].seen.field) == "all"


@pytest.mark.parametrize("depth", [4, 8])
def test_the_effective_field_grows_with_the_root_of_the_depth(depth: int) -> None:
    """Of n random 3x3 convolutions the squared gradient is n uniform places summed: deviation sqrt(n (9 - 1) / 12)."""
    torch.manual_seed(0)
    convolutions = [nn.Conv2d(24 if layer else 1, 24, 3, padding=1, bias=False) for layer in range(depth)]
    found = receptive_field(nn.Sequential(*convolutions), (1, 1, 33, 33))
    expected = math.sqrt(depth * 8 / 12)
    assert found.deviation == pytest.approx((expected, expected), rel=0.1)
    assert sum(map(sum, found.heat)) == pytest.approx(1)
    assert max(found.deviation) < (2 * depth + 1) / 2


def test_one_convolution_has_the_effective_field_of_its_squared_kernel() -> None:
    model = nn.Conv2d(1, 1, 3, bias=False)
    found = receptive_field(model, (1, 1, 9, 9))
    (top, bottom), (left, right) = found.places
    kernel = model.weight.detach()[0, 0].double().square()
    heat = torch.tensor(found.heat, dtype=torch.float64)
    assert torch.allclose(heat[top:bottom, left:right], kernel / kernel.sum())
    assert float(heat.sum()) == pytest.approx(float(heat[top:bottom, left:right].sum()))


def test_figures_of_images_and_sequences() -> None:
    image = field_figure(receptive_field(build("lenet5", seed=0), (1, 1, 32, 32), samples=4))
    assert isinstance(image, Tiles)
    assert len(image.tiles) == 2
    assert sum(map(sum, image.tiles[0].values)) == 16 * 16
    sequence = field_figure(receptive_field(build(DILATED, seed=0), parse(DILATED).input, samples=4))
    assert isinstance(sequence, Chart)
    assert "31" in sequence.says


def test_the_same_seed_gives_the_same_and_the_network_is_untouched() -> None:
    model = build("lenet5", seed=0).train()
    before = {name: each.clone() for name, each in model.state_dict().items()}
    first, again = (receptive_field(model, (1, 1, 32, 32), samples=3, seed=5) for _ in range(2))
    assert first == again
    assert model.training
    assert all(each.grad is None for each in model.parameters())
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())


def test_what_has_no_places_is_refused() -> None:
    with pytest.raises(OptionError, match="no layer 'conv9'") as unknown:
        receptive_field(build("lenet5"), (1, 1, 32, 32), "conv9")
    assert "did you mean" in unknown.value.advice
    with pytest.raises(OptionError, match="no place to look from"):
        receptive_field(nn.Linear(4, 2), (1, 4))
    with pytest.raises(OptionError, match="ids have no gradient"):
        receptive_field(nn.Sequential(nn.Embedding(5, 4)), (1, 6))
    with pytest.raises(OptionError, match="the forward pass fails in 0"):
        receptive_field(nn.Sequential(nn.Conv2d(3, 2, 3)), (1, 1, 8, 8))
