"""What every layer of a network gives for one image, and what of the image each of its units sees.

Shape letters: C channels, H height, W width, F features.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pellucid.blocks import Add, Concat
from pellucid.explain.layers.activations import Activation, listening
from pellucid.explain.layers.calls import record
from pellucid.explain.layers.dataflow.seen import Seen
from pellucid.networks import main_output

MOST_LAYERS = 120
"""Beyond so many, activations, normalisations and the like are left out."""
_SILENT = (nn.Identity, nn.Flatten, nn.Dropout, nn.Dropout2d)
"""These change no number while nothing is trained."""
_MAIN = (nn.Conv2d, nn.Linear, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, Add, Concat)


@dataclass(frozen=True, slots=True)
class Layer:
    """One call of a layer.

    Attributes:
        name: the module's.
        time: how often it was called before.
        module: the module.
        received: what it was given: one tensor, or of a sum or a joining those of all branches.
        output: (1, C, H, W), or (1, F).
        sources: for each tensor received the place in the list of the layer that gave it; -1 for the image, None
            where neither did.
        maps: (C, H, W) of what a fully connected layer reads, where that was flattened; else None.
        seen: what its units see of the image; None where that is not known.
    """

    name: str
    time: int
    module: nn.Module
    received: tuple[Tensor, ...]
    output: Tensor
    sources: tuple[int | None, ...]
    maps: tuple[int, int, int] | None
    seen: Seen | None

    @property
    def shape(self) -> tuple[int, ...]:
        """(C, H, W) or (F,)."""
        return tuple(self.output.shape[1:])

    def box(self, row: int, column: int) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """Return the first row and the one behind the last, and the same of the columns, that a unit sees."""
        if self.seen is None or not {0, 1} <= {*self.seen.spans}:
            return None
        laid = len(self.shape) == 3
        rows, columns = (self.seen.spans[axis].at(at if laid else 0) for axis, at in enumerate((row, column)))
        return rows, columns


@dataclass(frozen=True, slots=True)
class Reading:
    """Every layer in the order in which they compute, and what the network says."""

    layers: tuple[Layer, ...]
    output: Tensor


def fields(network: nn.Module, x: Tensor) -> dict[tuple[str, int], Seen | None]:
    """Return what the units of each call see of an input, by the layer's name and how often it was called before."""
    found: dict[tuple[str, int], Seen | None] = {}
    times: Counter[str] = Counter()
    for call in sorted(record(network, x).calls, key=lambda call: call.ended):
        found[call.name, times[call.name]] = call.seen
        times[call.name] += 1
    return found


@torch.no_grad()
def read(network: nn.Module, x: Tensor, seen: dict[tuple[str, int], Seen | None]) -> Reading:
    """Run a network on one prepared image (1, C, H, W), in evaluation mode, and keep what its layers give."""
    branches = {id(child) for module in network.modules() if isinstance(module, Add | Concat)
                for child in module.children()}  # fmt: skip
    names = [name for name, module in network.named_modules()
             if not list(module.children()) or isinstance(module, Add | Concat) or id(module) in branches]  # fmt: skip
    with listening(network, names) as calls:
        output = main_output(network(x))
    modules = dict(network.named_modules())
    layers = _layers(calls, modules, x, seen)
    if len(layers) > MOST_LAYERS:
        layers = _layers(calls, modules, x, seen, main=True)
    return Reading(tuple(layers), output)


def _layers(
    calls: list[Activation], modules: dict[str, nn.Module], x: Tensor, seen: dict[tuple[str, int], Seen | None],
    *, main: bool = False,
) -> list[Layer]:  # fmt: skip
    layers: list[Layer] = []
    gave: dict[str, Tensor] = {}
    times: Counter[str] = Counter()
    for call in calls:
        module, time = modules[call.name], times[call.name]
        times[call.name] += 1
        if not _is_shown(call):
            continue
        gave[call.name] = call.output
        received = _received(call, module, gave)
        silent = isinstance(module, _SILENT) or (list(module.children()) and not isinstance(module, Add | Concat))
        if not received or silent or (main and not isinstance(module, _MAIN)):
            continue
        sources = tuple(_source(each, layers, x) for each in received)
        layers.append(Layer(call.name, time, module, received, call.output.detach(), sources,
                            _maps(received[0], sources[0], layers, x), seen.get((call.name, time))))  # fmt: skip
    return layers


def _is_shown(call: Activation) -> bool:
    output: Any = call.output
    return isinstance(output, Tensor) and output.is_floating_point() and output.ndim in (2, 4) and len(output) == 1


def _received(call: Activation, module: nn.Module, gave: dict[str, Tensor]) -> tuple[Tensor, ...]:
    """Return what a layer was given; of branches what they gave, which is what is summed or joined."""
    if isinstance(module, Add | Concat):
        names = [f"{call.name}.{name}" for name, _ in module.named_children()]
        return tuple(gave[name] for name in names) if all(name in gave for name in names) else ()
    return tuple(each for each in call.arguments if isinstance(each, Tensor))[:1]


def _source(received: Tensor, layers: list[Layer], x: Tensor) -> int | None:
    """Return which layer gave a tensor, whatever its shape is now."""
    for place in range(len(layers) - 1, -1, -1):
        given = layers[place].output
        if given.data_ptr() == received.data_ptr() and given.numel() == received.numel():
            return place
    return -1 if received.data_ptr() == x.data_ptr() else None


def _maps(received: Tensor, source: int | None, layers: list[Layer], x: Tensor) -> tuple[int, int, int] | None:
    """Return the shape of the maps that were flattened to what a layer reads."""
    if received.ndim != 2 or source is None:
        return None
    shape = tuple((x if source == -1 else layers[source].output).shape[1:])
    return shape if len(shape) == 3 else None


class UpTo(nn.Module):
    """A network as far as one of its calls, whose output is what it gives: (B, C H W)."""

    def __init__(self, network: nn.Module, name: str, time: int) -> None:
        super().__init__()
        self.network, self.name, self.time = network, name, time

    def forward(self, x: Tensor) -> Tensor:
        """Return what the layer gives, flattened."""
        with listening(self.network, [self.name]) as heard:
            self.network(x)
        given: Tensor = heard[self.time].output
        return given.flatten(1)
