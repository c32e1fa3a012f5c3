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

__all__ = ["FAMILIES", "ZOO", "Arrows", "Entry"]

FAMILIES: Mapping[str, tuple[Entry, ...]] = MappingProxyType(
    {
        "Single neurons and linear models": (*neurons.ENTRIES, *linear.ENTRIES),
        "Layers of neurons": (*mlp.ENTRIES, *rbf.ENTRIES),
        "Convolutional": (*lenet.ENTRIES, *alexnet.ENTRIES, *vgg.ENTRIES, *googlenet.ENTRIES, *cnn.ENTRIES),
        "Residual, and their plain twins": resnet.ENTRIES,
        "A class for every pixel": segmentation.ENTRIES,
        "Recurrent": recurrent.ENTRIES,
        "Without a target": (*autoencoder.ENTRIES, *gan.ENTRIES, *hopfield.ENTRIES),
    }
)
"""The entries, in the order in which one learns them."""

ZOO: Mapping[str, Entry] = MappingProxyType({entry.name: entry for family in FAMILIES.values() for entry in family})
