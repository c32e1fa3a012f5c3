"""Networks with a name: one file a family, each entry a function that writes arrows, with its source and figures."""

from collections.abc import Mapping
from types import MappingProxyType

from pellucid.networks.zoo import cnn, lenet, linear, mlp, rbf, recurrent
from pellucid.networks.zoo.entry import Arrows, Entry

__all__ = ["ZOO", "Arrows", "Entry"]

ZOO: Mapping[str, Entry] = MappingProxyType(
    {entry.name: entry for family in (linear, mlp, rbf, lenet, cnn, recurrent) for entry in family.ENTRIES}
)
