"""Recurrent layers as a graph can hold them: one operator each, whatever the length of the sequences.

Tracing PyTorch's own recurrent layers follows every single step: that fixes the length, and takes 50 s for a GRU of
256 steps. While a network is traced, an operator that only knows its output's shape stands in for each. Afterwards its
node becomes torch's own (pt2); for ONNX it is the operator RNN, GRU or LSTM from the start.

Shape letters: N samples, T steps, F features, H hidden units, D directions, L layers.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from pellucid.blocks import Outputs, PaddedOutputs

# ONNX orders the gates otherwise: of GRU's reset, update, new it puts update first; of LSTM's input, forget, cell,
# output it takes input, output, forget, cell (operators' specification, opset 14)
_GATES = {"RNN": (0,), "GRU": (1, 0, 2), "LSTM": (0, 3, 1, 2)}

# the signatures of aten::rnn_tanh.input, aten::gru.input and aten::lstm.input
_REST = (
    "Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional, bool batch_first"
)


def replaced(network: nn.Module, make: Callable[[nn.RNNBase], nn.Module]) -> nn.Module:
    """Return a copy of a network whose recurrent layers of ours are made anew; modules of a user's stay as they are."""
    found = [name for name, module in network.named_modules() if isinstance(module, Outputs | PaddedOutputs)]
    if not found:
        return network
    changed = copy.deepcopy(network)
    for name in found:
        block = changed.get_submodule(name)
        assert isinstance(block, Outputs | PaddedOutputs)
        changed.set_submodule(name, make(block.layer) if isinstance(block, Outputs) else Unpacked(block.layer, make))
    return changed


class Unpacked(nn.Module):
    """A recurrent layer on sequences padded in front, without packing, whose sizes depend on values.

    Each layer reads each direction by itself, with the real steps first: what comes behind them changes none of them.
    """

    def __init__(self, layer: nn.RNNBase, make: Callable[[nn.RNNBase], nn.Module]) -> None:
        super().__init__()
        self.forwards = nn.ModuleList(make(_alone(layer, f"l{n}")) for n in range(layer.num_layers))
        backwards = range(layer.num_layers if layer.bidirectional else 0)
        self.backwards = nn.ModuleList(make(_alone(layer, f"l{n}_reverse")) for n in backwards)

    def forward(self, x: Tensor) -> Tensor:
        """Return the hidden state at every step, (N, T, D H), zeros at padding, of (N, T, F)."""
        first_N1 = x.ne(0).any(-1, keepdim=True).int().argmax(1)
        steps_T = torch.arange(x.shape[1], device=x.device)
        real_NT1 = (steps_T >= first_N1)[..., None]
        there_NT, back_NT = torch.minimum(steps_T + first_N1, steps_T[-1]), (steps_T - first_N1).clamp(min=0)

        def taken(sequences: Tensor, places_NT: Tensor) -> Tensor:
            return sequences.gather(1, places_NT[..., None].expand(-1, -1, sequences.shape[-1]))

        for number, forwards in enumerate(self.forwards):
            outputs = [taken(forwards(taken(x, there_NT)), back_NT)]
            if len(self.backwards):
                outputs.append(self.backwards[number](x.flip(1)).flip(1))
            x = torch.cat(outputs, -1) * real_NT1
        return x


def _alone(layer: nn.RNNBase, suffix: str) -> nn.RNNBase:
    """Return one layer of a stack, in one direction, as a layer of its own."""
    weights = {name.removesuffix(suffix) + "l0": w for name, w in layer.named_parameters() if name.endswith(suffix)}
    make: Callable[..., nn.RNNBase] = type(layer)
    alone = make(weights["weight_ih_l0"].shape[1], layer.hidden_size, batch_first=True)
    alone.load_state_dict(weights)
    return alone


class TorchRecurrence(nn.Module):
    """A recurrent layer as the stand-in operator of its kind, which `as_torch` turns into torch's own."""

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Return the hidden state at every step, (N, T, D H), of (N, T, F)."""
        layer = self.layer
        state_LNH = x.new_zeros(layer.num_layers * (1 + layer.bidirectional), x.shape[0], layer.hidden_size)
        weights = list(layer.parameters())
        rest = (weights, layer.bias, layer.num_layers, 0.0, False, bool(layer.bidirectional), True)
        if isinstance(layer, nn.LSTM):
            outputs: Tensor = torch.ops.pellucid.lstm(x, [state_LNH, state_LNH], *rest)[0]
        elif isinstance(layer, nn.GRU):
            outputs = torch.ops.pellucid.gru(x, state_LNH, *rest)[0]
        else:
            outputs = torch.ops.pellucid.rnn(x, state_LNH, *rest)[0]
        return outputs


def _shapes(x: Tensor, state: Tensor | list[Tensor], *rest: object) -> tuple[Tensor, ...]:
    """Return empty tensors of the shapes of the outputs, (N, T, D H), and of each last state, (L D, N, H)."""
    states = state if isinstance(state, list) else [state]
    directions = 2 if rest[-2] else 1
    outputs = x.new_empty(x.shape[0], x.shape[1], directions * states[0].shape[-1])
    return (outputs, *map(torch.empty_like, states))


for _name, _states, _last in (
    ("rnn", "Tensor hx", "Tensor"),
    ("gru", "Tensor hx", "Tensor"),
    ("lstm", "Tensor[] hx", "Tensor, Tensor"),
):
    torch.library.define(f"pellucid::{_name}", f"(Tensor input, {_states}, {_REST}) -> (Tensor, {_last})")
    torch.library.register_fake(f"pellucid::{_name}", _shapes)


def as_torch(program: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    """Turn the stand-ins of a traced program into torch's operators, which take the same arguments; in place."""
    own = {
        torch.ops.pellucid.rnn.default: torch.ops.aten.rnn_tanh.input,
        torch.ops.pellucid.gru.default: torch.ops.aten.gru.input,
        torch.ops.pellucid.lstm.default: torch.ops.aten.lstm.input,
    }
    for node in program.graph.nodes:
        node.target = own.get(node.target, node.target)
    program.graph_module.recompile()
    return program


class OnnxRecurrence(nn.Module):
    """A recurrent layer as ONNX's operator RNN, GRU or LSTM; it can be traced, not run."""

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.kind = type(layer).__name__
        self.hidden = layer.hidden_size
        self.layers = layer.num_layers
        self.directions = ("", "_reverse") if layer.bidirectional else ("",)
        for number in range(self.layers):
            self.register_buffer(f"input{number}", self._weights(layer, f"weight_ih_l{number}"))
            self.register_buffer(f"hidden{number}", self._weights(layer, f"weight_hh_l{number}"))
            biases = [self._weights(layer, f"bias_{of}_l{number}") for of in ("ih", "hh")]
            self.register_buffer(f"bias{number}", torch.cat(biases, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return the hidden state at every step, (N, T, D H), of (N, T, F)."""
        attributes: dict[str, Any] = {
            "hidden_size": self.hidden,
            "direction": "bidirectional" if len(self.directions) == 2 else "forward",
        }
        if self.kind == "GRU":
            attributes["linear_before_reset"] = 1  # as torch computes the new gate
        y_TNF = x.transpose(0, 1)
        for number in range(self.layers):
            weights = [self.get_buffer(f"{name}{number}") for name in ("input", "hidden", "bias")]
            shape = (y_TNF.shape[0], len(self.directions), y_TNF.shape[1], self.hidden)
            y_TDNH = torch.onnx.ops.symbolic(self.kind, (y_TNF, *weights), attributes, dtype=x.dtype, shape=shape)
            y_TNF = y_TDNH.transpose(1, 2).flatten(2)
        return y_TNF.transpose(0, 1)

    def _weights(self, layer: nn.RNNBase, name: str) -> Tensor:
        """Return one weight of each direction, (D, gates H, ...), its gates in ONNX's order."""
        order = _GATES[self.kind]
        found = [layer.get_parameter(name + suffix).detach().chunk(len(order)) for suffix in self.directions]
        return torch.stack([torch.cat([gates[place] for place in order]) for gates in found])
