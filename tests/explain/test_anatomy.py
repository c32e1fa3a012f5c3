"""What a network's anatomy tells, held against the plan's own table, torch's counter and the papers."""

import pytest
import torch
from torch import Tensor, nn

from pellucid.errors import OptionError
from pellucid.explain.layers.anatomy import Anatomy, network
from pellucid.networks import build, parse
from pellucid.shapes import Features, Image, Sequence, Tokens


@pytest.mark.covers("A14")
@pytest.mark.parametrize("name", ["lenet5", "alexnet", "resnet20", "resnet18", "googlenet", "lenet5(form=paper)"])
def test_the_figures_are_those_of_the_plans_table(name: str) -> None:
    plan = parse(name)
    with torch.device("cpu" if "lenet" in name else "meta"):  # weights that nobody draws are quickly there
        model = build(plan)
    found = network(model if "lenet" in name else model.to_empty(device="cpu"), plan.input)
    rows = {row.name: row for row in plan.table().rows}
    assert found.flops == plan.flops
    assert found.trainable == plan.parameters
    compared = [layer for layer in found.layers if layer.name in rows]
    assert len(compared) > 6
    for layer in compared:
        row = rows[layer.name]
        assert (layer.flops, layer.parameters) == (row.flops, row.parameters), layer.name
        assert str(layer.field) == str(row.receptive_field), layer.name


def test_lenet_is_the_papers() -> None:
    found = network(build("lenet5"), (1, 1, 32, 32))
    given = {layer.name: layer.given for layer in found.layers}
    assert [given[name][0][1:] for name in ("conv1", "avgpool1", "conv2", "avgpool2")] == [
        (6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5),
    ]  # fmt: skip
    assert [layer.name for layer in found.layers][:3] == ["conv1", "tanh1", "avgpool1"]
    assert found.parameters == 61_706
    assert found.failed is None
    text = str(found)
    assert "61,706" in text
    assert "14x14" in text


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.mix = nn.Linear(4, 4)
        self.scale = nn.Parameter(torch.ones(4))
        self.read = nn.Linear(4, 10, bias=False)
        self.read.weight = self.embed.weight

    def forward(self, ids: Tensor) -> Tensor:
        x = self.mix(self.mix(self.embed(ids)) * self.scale)
        read: Tensor = self.read(x)
        return read @ torch.ones(10, 2)


def test_a_layer_called_twice_is_listed_twice_and_counted_once() -> None:
    found = network(Shared(), (3, 5))
    mixes = [layer for layer in found.layers if layer.name == "mix"]
    assert [(each.parameters, each.shared) for each in mixes] == [(20, 0), (0, 20)]
    assert [each.flops for each in mixes] == [2 * 15 * 16] * 2
    tied = next(layer for layer in found.layers if layer.name == "read")
    assert (tied.parameters, tied.shared) == (0, 40)
    own = next(layer for layer in found.layers if layer.own)
    assert (own.parameters, own.flops) == (4, 2 * 15 * 10 * 2)
    assert found.parameters == sum(layer.parameters for layer in found.layers) == 40 + 20 + 4
    assert found.flops == sum(layer.flops for layer in found.layers)
    assert "20 again" in str(found)


@pytest.mark.parametrize(("cells", "gates"), [(nn.RNN, 1), (nn.GRU, 3), (nn.LSTM, 4)])
def test_recurrent_cells_are_counted(cells: type[nn.RNNBase], gates: int) -> None:
    found = network(cells(5, 7, num_layers=2, batch_first=True), (2, 9, 5))  # type: ignore[call-arg, arg-type]
    assert found.flops == 2 * gates * 7 * (5 + 7 + 7 + 7) * 2 * 9


def test_attention_is_one_layer_with_all_its_weights() -> None:
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    found = network(model, (2, 5, 8))
    assert found.parameters == sum(layer.parameters for layer in found.layers)
    attention = found.layers[0]
    assert (attention.kind, attention.parameters) == ("MultiheadAttention", 4 * 8 * 8 + 4 * 8)
    projections, products = 4 * 2 * 10 * 8 * 8, 2 * 2 * 2 * 5 * 5 * 8
    assert attention.flops == projections + products
    assert str(found.layers[-1].field) == "all"


def test_activation_memory_leaves_out_what_is_written_over_or_only_seen_otherwise() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(72, 2))
    assert [layer.memory for layer in network(model, (3, 1, 8, 8)).layers] == [3 * 72 * 4, 0, 0, 3 * 2 * 4]


FAILING: dict[str, tuple[nn.Module, tuple[int, ...], str, str, str]] = {
    "linear": (
        nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(100, 10)), (1, 1, 8, 8),
        "2", "(..., 100)", "nn.Linear(144, 10)",
    ),
    "flatten": (nn.Sequential(nn.ReLU(), nn.Linear(64, 10)), (1, 1, 8, 8), "1", "(..., 64)", "nn.Flatten() before"),
    "channels": (nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(8, 2, 3)), (1, 3, 8, 8), "1", "(N, 8, H, W)",
                 "in_channels=4"),
    "last": (nn.Sequential(nn.Conv2d(3, 4, 3)), (1, 8, 8, 3), "0", "(N, 3, H, W)", "x.movedim(-1, 1)"),
    "missing": (nn.Sequential(nn.Conv2d(1, 4, 3)), (4, 8, 8), "0", "(N, 1, H, W)", "x.unsqueeze(1)"),
    "small": (nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(1, 1, 5)), (1, 1, 8, 8), "1", "(N, 1, H, W)", "smaller than"),
    "norm": (nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(3)), (1, 1, 8, 8), "1", "(N, 3, ...)", "features 4"),
    "lstm": (nn.Sequential(nn.LSTM(3, 4)), (5, 2, 2), "0", "(T, N, 3)", "input size 2"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILING)
def test_a_failing_pass_is_told_up_to_the_layer_that_fails(name: str) -> None:
    model, sizes, where, wanted, advice = FAILING[name]
    found = network(model, sizes)
    assert found.failed is not None
    assert (found.failed.name, found.failed.wanted) == (where, wanted)
    assert advice in found.failed.advice
    assert [layer.name for layer in found.layers] == [str(number) for number in range(int(where))]
    with pytest.raises(Exception) as raised:  # noqa: PT011 (whatever torch raises)
        model.eval()(torch.randn(sizes))
    assert found.failed.words == " ".join(str(raised.value).split())
    last = found.layers[-1].given if found.layers else (sizes,)
    assert found.failed.received == last
    assert f"the forward pass fails in {where}" in str(found)


class Uneven(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.narrow, self.wide = nn.Conv2d(1, 2, 3), nn.Conv2d(1, 2, 5)

    def forward(self, x: Tensor) -> Tensor:
        both: Tensor = self.narrow(x) + self.wide(x)
        return both


def test_a_block_that_fails_between_its_layers_tells_what_they_gave() -> None:
    failed = network(nn.Sequential(nn.Identity(), Uneven()), (1, 1, 9, 9)).failed
    assert failed is not None
    assert (failed.name, failed.kind) == ("1", "Uneven")
    assert "narrow gave (1, 2, 7, 7); wide gave (1, 2, 5, 5)" in failed.advice


def test_types_and_ids_that_do_not_fit() -> None:
    def advice(model: nn.Module, x: Tensor) -> str:
        failed = network(model, x).failed
        assert failed is not None
        return failed.advice

    assert "x.to(torch.float32)" in advice(nn.Linear(4, 2), torch.ones(2, 4, dtype=torch.float64))
    assert "x.long()" in advice(nn.Embedding(4, 2), torch.ones(2))
    assert "num_embeddings" in advice(nn.Embedding(4, 2), torch.tensor([5]))


def test_inputs_of_every_kind() -> None:
    def sizes(found: Anatomy) -> tuple[tuple[int, ...], ...]:
        return found.layers[0].received

    assert sizes(network(nn.Linear(3, 1), Features(3))) == ((1, 3),)
    assert sizes(network(nn.Conv2d(3, 1, 3), Image(8, 9, 3))) == ((1, 3, 8, 9),)
    assert sizes(network(nn.Linear(3, 1), Sequence(3))) == ((1, 16, 3),)
    assert sizes(network(nn.Embedding(5, 2), Tokens(5, 7))) == ((1, 7),)
    assert sizes(network(nn.Bilinear(2, 3, 1), (torch.ones(4, 2), torch.ones(4, 3)))) == ((4, 2), (4, 3))
    assert sizes(network(nn.LazyLinear(2), (4, 6))) == ((4, 6),)
    with pytest.raises(OptionError, match="no input"):
        network(nn.Linear(3, 1), ("a",))


def test_the_network_and_the_random_state_are_untouched() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5), nn.LazyLinear(2)).train()
    state = torch.get_rng_state()
    found = network(model, (2, 1, 6, 6))
    assert found.parameters == 20 + 4 + 10
    assert torch.equal(torch.get_rng_state(), state)
    assert all(module.training for module in model.modules())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in list(model.modules())[:3])
    assert isinstance(model[3].weight, nn.parameter.UninitializedParameter)
    assert isinstance(model[1], nn.BatchNorm2d)
    assert model[1].num_batches_tracked == 0
    assert torch.backends.mha.get_fastpath_enabled()
