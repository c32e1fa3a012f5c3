"""Recurrent layers, as the words build them, against their written formulas: plain loops in NumPy, float64.

Shape letters: N samples, T steps, F features, H hidden units.
"""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from pellucid.blocks import Outputs
from pellucid.networks import build, parse

Floats = NDArray[np.float64]
State = tuple[Floats, Floats]

pytestmark = pytest.mark.covers("B6")


def sigmoid(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))


def rnn(x_F: Floats, state: State, w: Floats, u: Floats, b: Floats, c: Floats) -> State:
    """h_t = tanh(W x_t + b + U h_(t-1) + c)."""
    h = np.tanh(w @ x_F + b + u @ state[0] + c)
    return h, h


def gru(x_F: Floats, state: State, w: Floats, u: Floats, b: Floats, c: Floats) -> State:
    """r and z are gates, n = tanh(W x_t + b + r (U h_(t-1) + c)), h_t = (1 - z) n + z h_(t-1)."""
    (xr, xz, xn), (hr, hz, hn) = np.split(w @ x_F + b, 3), np.split(u @ state[0] + c, 3)
    r, z = sigmoid(xr + hr), sigmoid(xz + hz)
    h = (1 - z) * np.tanh(xn + r * hn) + z * state[0]
    return h, h


def lstm(x_F: Floats, state: State, w: Floats, u: Floats, b: Floats, c: Floats) -> State:
    """c_t = f c_(t-1) + i g, h_t = o tanh(c_t), with gates i, f, o and g = tanh(...)."""
    i, f, g, o = np.split(w @ x_F + b + u @ state[0] + c, 4)
    cell = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(cell), cell


CELLS: dict[str, Callable[..., State]] = {"rnn": rnn, "gru": gru, "lstm": lstm}


def read(cell: str, layer: nn.RNNBase, suffix: str, x_TF: Floats) -> Floats:
    """Return the hidden state (T, H) after each step of one layer in one direction."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    w, u, b, c = (layer.get_parameter(f"{name}_{suffix}").detach().double().numpy() for name in names)
    state = (np.zeros(layer.hidden_size), np.zeros(layer.hidden_size))
    states_TH = []
    for x_F in x_TF:
        state = CELLS[cell](x_F, state, w, u, b, c)
        states_TH.append(state[0])
    return np.stack(states_TH)


def written(cell: str, layer: nn.RNNBase, x_TF: Floats) -> Floats:
    """Return what a stack of layers, each in one or both directions, gives at every step."""
    for number in range(layer.num_layers):
        forwards = read(cell, layer, f"l{number}", x_TF)
        if layer.bidirectional:
            backwards = read(cell, layer, f"l{number}_reverse", x_TF[::-1])[::-1]
            forwards = np.concatenate([forwards, backwards], axis=1)
        x_TF = forwards
    return x_TF


@pytest.mark.parametrize("options", ["", ", layers=3", ", bidirectional=yes", ", layers=2, bidirectional=yes"])
@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_computes_its_formula(cell: str, options: str) -> None:
    network = build(f"T x 5 -> {cell}(7{options})", seed=3).double()
    block = network[0]  # type: ignore[index]
    assert isinstance(block, Outputs)
    x_NTF = torch.randn(2, 11, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    said = network(x_NTF).detach().numpy()
    for x_TF, said_TH in zip(x_NTF.numpy(), said, strict=True):
        assert said_TH == pytest.approx(written(cell, block.layer, x_TF), abs=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_single_precision_agrees_with_the_formula_too(cell: str) -> None:
    network = build(f"tokens(9) -> embed(4) -> {cell}(6) -> last -> fc(3)", seed=5)
    tokens_NT = torch.randint(0, 9, (3, 8), generator=torch.Generator().manual_seed(2))
    embed, layer, output = network[0], network[1].layer, network[3]  # type: ignore[index]
    said = network(tokens_NT).detach().numpy()
    for tokens_T, said_K in zip(tokens_NT, said, strict=True):
        x_TF = embed.weight.detach().double().numpy()[tokens_T.numpy()]
        last_H = written(cell, layer, x_TF)[-1]
        expected = output.weight.detach().double().numpy() @ last_H + output.bias.detach().double().numpy()
        assert said_K == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_parameters_do_not_grow_with_the_length(cell: str) -> None:
    lengths = ("T", "T=3", "T=300", "T=100000")
    counts = {parse(f"{length} x 5 -> {cell}(7) -> last -> fc(2)").parameters for length in lengths}
    gates = {"rnn": 1, "gru": 3, "lstm": 4}[cell]
    assert counts == {gates * 7 * (5 + 7 + 2) + 7 * 2 + 2}
    network = build(f"T x 5 -> {cell}(7) -> last -> fc(2)", seed=0)
    for length in (1, 50, 400):
        assert network(torch.randn(2, length, 5)).shape == (2, 2)
