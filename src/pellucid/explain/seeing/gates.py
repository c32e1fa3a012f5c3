"""The gates of a recurrent layer at every step, computed anew from its weights and held against what it gave.

Shape letters: N samples, T steps, F features, H units, G gates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pellucid.chart import Axis, Chart, Line, Tile, Tiles
from pellucid.data import Dataset
from pellucid.data.texts.lines import TextLinesPreprocessing
from pellucid.data.texts.text import TextPreprocessing
from pellucid.errors import DataError, OptionError
from pellucid.explain.layers.activations import Activation, device_of, listening

LSTM_GATES = ("input i", "forget f", "cell g", "output o")
GRU_GATES = ("reset r", "update z", "new n")
"""In the order in which torch stacks their weights."""


@dataclass(frozen=True, slots=True)
class Gates:
    """What happened in one layer of a recurrent stack, in one direction.

    Attributes:
        layer: the module's name.
        number: of the layer in the stack, from 0.
        backwards: it reads from the end; its steps are in the text's order all the same.
        values: gate -> (N, T, H); "cell g" and "new n" lie in (-1, 1), the others in (0, 1).
        states: h, (N, T, H).
        cells: c, (N, T, H); None of a GRU.
        error: the largest difference between h and what the module gave; None of a layer below others, whose states
            the module keeps to itself: they are in the error of the last one.
    """

    layer: str
    number: int
    backwards: bool
    values: Mapping[str, Tensor]
    states: Tensor
    cells: Tensor | None
    error: float | None


@dataclass(frozen=True, slots=True)
class TextGates:
    """The gates over one text.

    Attributes:
        tokens: T of them.
        gates: of every recurrent layer, each over this one text (N = 1).
    """

    tokens: tuple[str, ...]
    gates: tuple[Gates, ...]


@torch.no_grad()
def gates(network: nn.Module, inputs: Tensor) -> tuple[Gates, ...]:
    """Return the gates of every LSTM and GRU of a network, in the order in which they compute.

    LSTM: i, f, o = σ(W x + U h + b), g = tanh(W x + U h + b), c' = f ∘ c + i ∘ g, h' = o ∘ tanh(c').
    GRU: r, z = σ(W x + b + U h + d), n = tanh(W x + b + r ∘ (U h + d)), h' = (1 - z) ∘ n + z ∘ h.

    Args:
        network: any with an `nn.LSTM` or an `nn.GRU`, or such a layer itself.
        inputs: a batch, as the network takes it.

    Raises:
        OptionError: there is no such layer, or one with projections or packed sequences, which are not read here.

    Sources: Hochreiter and Schmidhuber 1997, Long short-term memory; Gers, Schmidhuber and Cummins 2000, Learning to
    forget; Cho et al. 2014, Learning phrase representations using RNN encoder-decoder.
    """
    layers = {name: layer for name, layer in network.named_modules() if isinstance(layer, nn.LSTM | nn.GRU)}
    if not layers:
        raise OptionError("this network has no gates", expected="an LSTM or a GRU", received=type(network).__name__)
    with listening(network, layers) as calls:
        network(inputs)
    if not calls:
        raise OptionError(
            "the recurrent layers of this network are not called as modules",
            expected="one that calls them",
            received=", ".join(layers),
        )
    return tuple(found for call in calls for found in _stack(layers[call.name], call))


def gates_over_text(network: nn.Module, data: Dataset, row: int) -> TextGates:
    """Return the gates over one of the data's texts.

    Args:
        network: takes the data's prepared inputs.
        data: of texts.
        row: which one.

    Raises:
        DataError: the data is no text.
        OptionError: there is no recurrent layer with gates.
    """
    prepared = data.preprocessing
    if not isinstance(prepared, TextPreprocessing | TextLinesPreprocessing):
        raise DataError("this data is no text", expected="a text, or lines of text", received=prepared.kind)
    tokens = tuple(prepared.vocabulary.tokens[number] for number in data.inputs[row].tolist())
    return TextGates(tokens, gates(network, data.batch(torch.tensor([row]))[0].to(device_of(network))))


def gates_chart(found: Gates, tokens: Sequence[str], unit: int | None = None, sample: int = 0) -> Chart:
    """Return the gates over a text as lines, of one unit or as the mean over all of them."""
    who = "mean of all units" if unit is None else f"unit {unit}"
    curves = {
        name: (values[sample].mean(1) if unit is None else values[sample, :, unit]).tolist()
        for name, values in found.values.items()
    }
    ends = {name: (min(curve), max(curve)) for name, curve in curves.items()}
    return Chart(
        title=f"The gates of {found.layer or 'the layer'} over a text",
        detail=f"{who}; at 1 a gate is open, at 0 it is closed",
        says="; ".join(f"{name} lies between {low:.2g} and {high:.2g}" for name, (low, high) in ends.items()) + ".",
        x=Axis("token", names=[token.replace("\n", "↵").replace(" ", "␣") for token in tokens]),
        y=Axis("value of the gate"),
        lines=[Line(label=name, x=range(len(tokens)), runs=[curve]) for name, curve in curves.items()],
    )


def gates_tiles(found: Gates, sample: int = 0) -> Tiles:
    """Return each gate as a picture: a row a unit, a column a step."""
    return Tiles(
        title=f"The gates of {found.layer or 'the layer'}, unit by unit",
        detail="a row is a unit, a column a step; blue above 0, orange below",
        says=f"{len(found.values)} gates of {found.states.shape[2]} units over {found.states.shape[1]} steps.",
        tiles=[Tile(caption=name, values=values[sample].T.tolist()) for name, values in found.values.items()],
        columns=len(found.values),
        signed=True,
    )


def _stack(layer: nn.RNNBase, call: Activation) -> list[Gates]:
    """Return the gates of every layer of a stack, and hold the last ones against the module's outputs."""
    x, starts = _given(layer, call)
    directions = 2 if layer.bidirectional else 1
    found: list[Gates] = []
    for number in range(layer.num_layers):
        both = []
        for way in range(directions):
            start = [each[directions * number + way] for each in starts]
            both.append(_one(layer, call.name, number, bool(way), x, start))
        x = torch.cat([each.states for each in both], -1)
        found += both
    outputs = call.tensor if layer.batch_first else call.tensor.transpose(0, 1)
    error = float((x - outputs).abs().max())
    last = len(found) - directions
    return [*found[:last], *(_with_error(each, error) for each in found[last:])]


def _given(layer: nn.RNNBase, call: Activation) -> tuple[Tensor, list[Tensor]]:
    """Return what a layer was given: the inputs (N, T, F) and the states that it began with, each (layers, N, H)."""
    given = call.arguments[0]
    if not isinstance(given, Tensor) or given.ndim != 3 or layer.proj_size:
        raise OptionError(
            f"the gates of '{call.name}' are not read here",
            expected="batches of plain sequences and no projections",
            received=type(given).__name__,
        )
    x = given if layer.batch_first else given.transpose(0, 1)
    wanted = 2 if isinstance(layer, nn.LSTM) else 1
    began = call.arguments[1] if len(call.arguments) > 1 else None
    if began is None:
        layers = layer.num_layers * (2 if layer.bidirectional else 1)
        return x, [x.new_zeros(layers, x.shape[0], layer.hidden_size)] * wanted
    return x, list(began) if isinstance(began, tuple) else [began]


def _one(layer: nn.RNNBase, name: str, number: int, backwards: bool, x: Tensor, start: list[Tensor]) -> Gates:
    """Return the gates of one layer of the stack in one direction."""
    suffix = f"l{number}" + ("_reverse" if backwards else "")
    weight_ih, weight_hh = (getattr(layer, f"weight_{side}_{suffix}") for side in ("ih", "hh"))
    biases = [getattr(layer, f"bias_{side}_{suffix}") if layer.bias else x.new_zeros(()) for side in ("ih", "hh")]
    read = x @ weight_ih.T + biases[0]
    gated = _lstm if isinstance(layer, nn.LSTM) else _gru
    order = range(x.shape[1] - 1, -1, -1) if backwards else range(x.shape[1])
    state, steps = start, []
    for step in order:
        state, opened = gated(read[:, step], state[0] @ weight_hh.T + biases[1], state)
        steps.append([*state, *opened])
    if backwards:
        steps.reverse()
    columns = [torch.stack(column, 1) for column in zip(*steps, strict=True)]
    lstm = isinstance(layer, nn.LSTM)
    names = LSTM_GATES if lstm else GRU_GATES
    values = dict(zip(names, columns[len(start) :], strict=True))
    return Gates(name, number, backwards, values, columns[0], columns[1] if lstm else None, None)


def _lstm(read_NG: Tensor, recalled_NG: Tensor, state: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    i, f, g, o = (read_NG + recalled_NG).chunk(4, -1)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    cell = f * state[1] + i * g
    return [o * cell.tanh(), cell], [i, f, g, o]


def _gru(read_NG: Tensor, recalled_NG: Tensor, state: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    (r, z, n), (r_h, z_h, n_h) = read_NG.chunk(3, -1), recalled_NG.chunk(3, -1)
    r, z = (r + r_h).sigmoid(), (z + z_h).sigmoid()
    n = (n + r * n_h).tanh()
    return [(1 - z) * n + z * state[0]], [r, z, n]


def _with_error(found: Gates, error: float) -> Gates:
    return Gates(found.layer, found.number, found.backwards, found.values, found.states, found.cells, error)
