"""What the layers of a network give while it computes, heard by torch's own hooks, which are gone afterwards.

Shape letters: N samples, B samples of a batch, U units.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from pellucid.data import Dataset
from pellucid.errors import OptionError, nearest
from pellucid.explain.landscape.objective import evaluating

Arguments: TypeAlias = tuple[Any, ...]
Keywords: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Activation:
    """What a layer gave in one call.

    Attributes:
        name: of the layer, as `named_modules` names it.
        arguments: what it was given.
        output: what it gave: a tensor, or of a recurrent layer its outputs and its last state.
    """

    name: str
    arguments: Arguments
    output: Any

    @property
    def tensor(self) -> Tensor:
        """The output; of a recurrent layer the states at every step."""
        first: Tensor = self.output[0] if isinstance(self.output, tuple) else self.output
        return first.detach()


@contextmanager
def hooked(
    modules: Iterable[nn.Module],
    after: Callable[[nn.Module, Arguments, Keywords, Any], None],
    before: Callable[[nn.Module, Arguments, Keywords], None] | None = None,
) -> Iterator[None]:
    """Have every call of some modules told: `before` it begins, and `after` it ended with its output."""
    with ExitStack() as hooks:
        for module in modules:
            if before is not None:
                hooks.callback(module.register_forward_pre_hook(before, with_kwargs=True).remove)
            hooks.callback(module.register_forward_hook(after, with_kwargs=True).remove)
        yield


@contextmanager
def listening(network: nn.Module, names: Iterable[str]) -> Iterator[list[Activation]]:
    """Hear every call of some layers, in the order in which they end; of the network in evaluation mode.

    Raises:
        OptionError: there is no layer of such a name.
    """
    heard: list[Activation] = []
    layers: Mapping[nn.Module, str] = {layer_named(network, name): name for name in names}

    def hear(module: nn.Module, arguments: Arguments, _: Keywords, output: Any) -> None:
        heard.append(Activation(layers[module], arguments, output))

    with hooked(layers, hear), evaluating(network):
        yield heard


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


@torch.no_grad()
def activations_over(
    network: nn.Module, data: Dataset, layer: str, rows: Tensor, rows_at_once: int = 256
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield some rows' numbers, and what a layer gives for them, batch by batch; of several calls the last.

    Raises:
        OptionError: there is no such layer, or it is not used.
    """
    for rows_B in rows.split(rows_at_once):
        with listening(network, [layer]) as heard:
            network(data.batch(rows_B)[0].to(device_of(network)))
        if not heard:
            raise OptionError(f"the layer '{layer}' is not used", expected="a layer that computes", received=layer)
        yield rows_B, heard[-1].tensor


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
