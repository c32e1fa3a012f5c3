"""Networks with a name: one file a family, each entry a function that writes arrows, with its source and figures."""

from collections.abc import Mapping
from types import MappingProxyType

from pellucid.networks.zoo import (
    alexnet,
    autoencoder,
    cnn,
    gan,
    lenet,
    linear,
    mlp,
    rbf,
    recurrent,
    resnet,
    vgg,
)
from pellucid.networks.zoo.entry import Arrows, Entry

__all__ = ["ZOO", "Arrows", "Entry"]

_FAMILIES = (
    linear,
    mlp,
    rbf,
    lenet,
    alexnet,
    vgg,
    resnet,
    cnn,
    recurrent,
    autoencoder,
    gan,
)

ZOO: Mapping[str, Entry] = MappingProxyType({entry.name: entry for family in _FAMILIES for entry in family.ENTRIES})
