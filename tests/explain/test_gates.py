"""Gates against torch's own layers, and of cells whose weights were set by hand."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from pellucid.data import load
from pellucid.data.texts.text import TextPreprocessing
from pellucid.errors import DataError, OptionError
from pellucid.explain import gates, gates_chart, gates_over_text, gates_tiles
from pellucid.seed import seed_torch


@pytest.mark.parametrize("make", [nn.LSTM, nn.GRU])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_first": True},
        {"bias": False},
        {"num_layers": 3, "dropout": 0.5},
        {"bidirectional": True, "num_layers": 2},
    ],
)
def test_states_computed_from_the_gates_are_the_layers_own(
    make: Callable[..., nn.LSTM | nn.GRU], options: dict[str, bool]
) -> None:
    seed_torch(0, "gates")
    layer = make(3, 5, **options)
    found = gates(layer, torch.randn(4, 6, 3))
    directions = 2 if layer.bidirectional else 1
    assert len(found) == layer.num_layers * directions
    errors = [each.error for each in found]
    assert errors[:-directions] == [None] * (len(found) - directions)
    assert all(error is not None and error < 1e-6 for error in errors[-directions:])
    assert [each.backwards for each in found] == [False, True][:directions] * layer.num_layers
    assert layer.training


def test_a_cell_that_only_remembers() -> None:
    layer = nn.LSTM(1, 1, batch_first=True)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.get_parameter("weight_ih_l0").copy_(torch.tensor([[2.0], [0.0], [1.0], [0.0]]))
        layer.get_parameter("bias_ih_l0").copy_(torch.tensor([0.0, 20.0, 0.0, 0.0]))  # the forget gate is open
    (found,) = gates(layer, torch.tensor([[[1.0], [0.0], [0.0]]]))
    sigmoid = 1 / (1 + math.exp(-2))
    assert found.values["input i"].flatten().tolist() == pytest.approx([sigmoid, 0.5, 0.5])
    assert found.values["cell g"].flatten().tolist() == pytest.approx([math.tanh(1), 0, 0])
    assert found.cells is not None
    assert found.cells.flatten().tolist() == pytest.approx([sigmoid * math.tanh(1)] * 3)
    assert found.states.flatten().tolist() == pytest.approx([0.5 * math.tanh(sigmoid * math.tanh(1))] * 3)


class Carried(nn.Module):
    """A recurrent layer that begins with states of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.read = nn.LSTM(2, 3, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        began = torch.full((1, x.shape[0], 3), 0.7), torch.full((1, x.shape[0], 3), -0.4)
        outputs: Tensor = self.read(x, began)[0]
        return outputs


def test_the_states_that_a_layer_begins_with_are_read() -> None:
    seed_torch(0, "carried")
    (found,) = gates(Carried(), torch.randn(2, 4, 2))
    assert found.layer == "read"
    assert found.error is not None
    assert found.error < 1e-6


def test_gates_over_a_text() -> None:
    data = load("sentences")
    seed_torch(0, "text")
    network = nn.Sequential(nn.Embedding(28, 4), nn.GRU(4, 6, batch_first=True))
    found = gates_over_text(network, data, 3)
    assert isinstance(data.preprocessing, TextPreprocessing)
    text = data.preprocessing.decode(data.inputs[3])
    assert "".join(found.tokens) == text
    (layer,) = found.gates
    assert layer.states.shape == (1, len(text), 6)
    shown = gates_chart(layer, found.tokens)
    assert [line.label for line in shown.lines] == ["reset r", "update z", "new n"]
    assert shown.lines[0].runs[0][5] == pytest.approx(float(layer.values["reset r"][0, 5].mean()))
    assert gates_chart(layer, found.tokens, unit=2).lines[1].runs[0][0] == float(layer.values["update z"][0, 0, 2])
    assert len(gates_tiles(layer).tiles[0].values) == 6
    with pytest.raises(DataError, match="no text"):
        gates_over_text(network, load("iris"), 3)


def test_what_has_no_gates_is_refused() -> None:
    with pytest.raises(OptionError, match="no gates"):
        gates(nn.Linear(2, 2), torch.zeros(1, 2))
    with pytest.raises(OptionError, match="not read here"):
        gates(nn.LSTM(2, 3, proj_size=1).double(), torch.zeros(4, 1, 2).double())
