"""The state of recurrent layers carried from one piece of a sequence to the next: h_T of this piece is h_0 of the next.

Shape letters: N samples, T steps, H hidden units, L layers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from pellucid.errors import OptionError

State = dict[str, Tensor]
"""The last state of each recurrent layer by its name, (L, N, H), detached; an LSTM has two, `name` and `name.cell`."""

_CELL = ".cell"


@contextmanager
def carrying(network: nn.Module, state: State) -> Iterator[None]:
    """Let every recurrent layer begin where `state` says and leave in it where it stopped; an empty state is zeros.

    The layers are the network's own, and are as they were when this ends.

    Args:
        network: calls each of its recurrent layers once, on pieces (N, T, F) of the same N sequences.
        state: what the piece before left; changed in place, without gradients, so that none flows back into it.
    """
    hooks = []
    for name, layer in recurrent_layers(network).items():
        hooks.append(layer.register_forward_pre_hook(_beginning(name, state)))
        hooks.append(layer.register_forward_hook(_end(name, state)))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def recurrent_layers(network: nn.Module) -> dict[str, nn.RNNBase]:
    """Return the recurrent layers of a network by name."""
    return {name: module for name, module in network.named_modules() if isinstance(module, nn.RNNBase)}


def require_state(network: nn.Module) -> None:
    """Refuse a network whose state cannot be carried on.

    Raises:
        OptionError: it has no recurrent layer, or one that reads backwards.
    """
    layers = recurrent_layers(network)
    backwards = [name for name, layer in layers.items() if layer.bidirectional]
    if layers and not backwards:
        return
    raise OptionError(
        "there is no state that could be carried from one piece of a text to the next",
        expected="recurrent layers that read forwards: rnn, gru or lstm",
        received=f"a layer that reads backwards too: {backwards[0]}" if backwards else "no recurrent layer",
        advice="leave bidirectional out" if backwards else "leave --state carried out",
    )


def _beginning(name: str, state: State) -> Any:
    def begin(layer: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...] | None:
        hidden = state.get(name)
        if hidden is None:
            return None
        return (inputs[0], (hidden, state[name + _CELL]) if isinstance(layer, nn.LSTM) else hidden)

    return begin


def _end(name: str, state: State) -> Any:
    def end(layer: nn.Module, inputs: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:  # noqa: ARG001 (torch's form)
        last = outputs[1]
        hidden = last[0] if isinstance(last, tuple) else last
        state[name] = hidden.detach()
        if isinstance(last, tuple):
            state[name + _CELL] = last[1].detach()

    return end
