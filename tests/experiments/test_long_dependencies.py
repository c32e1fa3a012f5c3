"""Made-up sequences and forget gates, held against what they should be."""

import pytest
import torch

from pellucid.experiments.claims.long_dependencies import _CELLS, _UNITS, sequences
from pellucid.networks import build
from pellucid.networks.through_time import recurrent_blocks

pytestmark = pytest.mark.covers("B6")


def test_the_first_symbol_is_the_answer_and_comes_nowhere_else() -> None:
    data = sequences(10)
    x_NTF, labels = data.split("test")
    assert x_NTF.shape[1:] == (11, 8)
    assert torch.equal(x_NTF.sum(2), torch.ones(len(x_NTF), 11))
    assert torch.equal(x_NTF[:, 0].argmax(1), labels)
    assert (x_NTF[:, 1:].argmax(2) >= 4).all()


def test_a_forget_gate_that_nothing_moves_keeps_a_share_that_its_bias_says() -> None:
    cell = _CELLS["LSTM, forget bias 5"]
    assert isinstance(cell.network, str)
    assert cell.prepare is not None
    network = build(cell.network, seed=0)
    with torch.no_grad():
        cell.prepare(network, 0)
        (block,) = recurrent_blocks(network)
        for name in ("weight_ih_l0", "weight_hh_l0"):
            block.layer.get_parameter(name).zero_()
        for name in ("bias_ih_l0", "bias_hh_l0"):
            block.layer.get_parameter(name)[2 * _UNITS : 3 * _UNITS] = 0  # tanh(0) = 0 is what is written
        _, (_, cell_1NH) = block.layer(torch.zeros(1, 40, 8), (torch.zeros(1, 1, _UNITS), torch.ones(1, 1, _UNITS)))
    assert cell_1NH.flatten().tolist() == pytest.approx([torch.tensor(5.0).sigmoid().item() ** 40] * _UNITS, rel=1e-4)
