"""What the layers of a network give while it computes, heard by torch's own hooks, which are gone afterwards.

Shape letters: N samples, B samples of a batch.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pellucid.data import Dataset
from pellucid.errors import OptionError, nearest
from pellucid.explain.landscape.objective import evaluating


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a layer.

    Attributes:
        name: of the layer, as `named_modules` names it.
        arguments: what it was given.
        output: what it gave: a tensor, or of a recurrent layer its outputs and its last state.
    """

    name: str
    arguments: tuple[Any, ...]
    output: Any

    @property
    def tensor(self) -> Tensor:
        """The output; of a recurrent layer the states at every step."""
        first: Tensor = self.output[0] if isinstance(self.output, tuple) else self.output
        return first.detach()


def layer_named(network: nn.Module, name: str) -> nn.Module:
    """Return a layer of a network.

    Raises:
        OptionError: there is none of that name.
    """
    layers: dict[str, nn.Module] = dict(network.named_modules())
    if name not in layers:
        known = [each for each in layers if each]
        raise OptionError(
            f"there is no layer '{name}'",
            expected="one of " + ", ".join(known),
            received=name,
            advice=nearest(name, known),
        )
    return layers[name]


@contextmanager
def listening(network: nn.Module, names: Iterable[str]) -> Iterator[list[Call]]:
    """Hear every call of some layers, in the order of the calls; of the network in evaluation mode.

    Raises:
        OptionError: there is no layer of such a name.
    """
    calls: list[Call] = []

    def hear(name: str, layer: nn.Module) -> Any:
        def hook(_: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
            calls.append(Call(name, arguments, output))

        return layer.register_forward_hook(hook)

    handles = [hear(name, layer_named(network, name)) for name in names]
    try:
        with evaluating(network):
            yield calls
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def activations_over(
    network: nn.Module, data: Dataset, layer: str, rows: Tensor, rows_at_once: int = 256
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield some rows' numbers, and what a layer gives for them, batch by batch; of several calls the last.

    Raises:
        OptionError: there is no such layer, or it is not used.
    """
    for rows_B in rows.split(rows_at_once):
        with listening(network, [layer]) as calls:
            network(data.batch(rows_B)[0].to(device_of(network)))
        if not calls:
            raise OptionError(f"the layer '{layer}' is not used", expected="a layer that computes", received=layer)
        yield rows_B, calls[-1].tensor


def device_of(network: nn.Module) -> torch.device:
    """Return where a network's parameters are; the CPU for one that has none."""
    return next((parameter.device for parameter in network.parameters()), torch.device("cpu"))


def by_unit(layer: nn.Module, activations: Tensor) -> Tensor:
    """Return what a layer gave with its units first behind the samples: (B, U, places).

    Channels stand first in what convolutions give and in pictures; the features of a sequence (B, T, F) stand last.
    """
    last = activations.ndim == 3 and not isinstance(layer, nn.Conv1d)
    units = activations.movedim(-1, 1) if last else activations
    return units.flatten(2) if units.ndim > 2 else units[:, :, None]
