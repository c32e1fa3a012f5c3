"""Networks with a name: one file a family, each entry a function that writes arrows, with its source and figures."""

from collections.abc import Mapping
from types import MappingProxyType

from pellucid.networks.zoo import (
    alexnet,
    autoencoder,
    cnn,
    gan,
    googlenet,
    hopfield,
    lenet,
    linear,
    mlp,
    neurons,
    rbf,
    recurrent,
    resnet,
    segmentation,
    vgg,
)
from pellucid.networks.zoo.entry import Arrows, Entry

__all__ = ["ZOO", "Arrows", "Entry"]

_FAMILIES = (
    neurons,
    linear,
    mlp,
    rbf,
    lenet,
    alexnet,
    vgg,
    googlenet,
    resnet,
    cnn,
    segmentation,
    recurrent,
    autoencoder,
    gan,
    hopfield,
)

ZOO: Mapping[str, Entry] = MappingProxyType({entry.name: entry for family in _FAMILIES for entry in family.ENTRIES})
