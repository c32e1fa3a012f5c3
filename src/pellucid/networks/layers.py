"""The layers a word stands for, as data: `building` makes modules of them, `source` writes them as Python."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn


@dataclass(frozen=True)
class Layer:
    """One module to be: its class and arguments, which may be plain values, layers and groups.

    Attributes:
        label: what it is called in the network, before its number: conv, fc.
        init: how its weights start, a name of `INITS`; empty where the module sees to that.
    """

    label: str
    module: type[nn.Module]
    positional: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)
    init: str = ""


@dataclass(frozen=True)
class Group:
    """Layers one behind the other: a `nn.Sequential`."""

    layers: tuple[Layer, ...]


class Numbering:
    """Gives the layers of one group their names: conv1, conv2, fc1."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def next(self, label: str) -> str:
        """Return the name of the next layer of that label."""
        self._seen[label] += 1
        return f"{label}{self._seen[label]}"


def named(layers: Iterable[Layer]) -> list[tuple[str, Layer]]:
    """Return the layers of a group with their names."""
    numbering = Numbering()
    return [(numbering.next(layer.label), layer) for layer in layers]
