"""The layers torch lacks, each a plain `nn.Module` that imports only torch, so that its source can be taken along."""

from pellucid.blocks.adversarial import Code, Gan
from pellucid.blocks.binarising import Binarise
from pellucid.blocks.branching import Add, Concat, Heads
from pellucid.blocks.filters import EdgeFilter
from pellucid.blocks.hopfield import Hopfield, HopfieldModern
from pellucid.blocks.lenet import Codes, ScaledTanh, Subsample, TableConv
from pellucid.blocks.neurons import Maxout, Step
from pellucid.blocks.noise import GaussianNoise
from pellucid.blocks.pooling import MedianPool, MinPool
from pellucid.blocks.radial import Radial
from pellucid.blocks.resizing import Resize
from pellucid.blocks.sequences import Ends, FromLast, Last, Outputs, OverTime, PaddedOutputs, RepeatVector
from pellucid.blocks.variational import Sample

__all__ = [
    "Add",
    "Binarise",
    "Code",
    "Codes",
    "Concat",
    "EdgeFilter",
    "Ends",
    "FromLast",
    "Gan",
    "GaussianNoise",
    "Heads",
    "Hopfield",
    "HopfieldModern",
    "Last",
    "Maxout",
    "MedianPool",
    "MinPool",
    "Outputs",
    "OverTime",
    "PaddedOutputs",
    "Radial",
    "RepeatVector",
    "Resize",
    "Sample",
    "ScaledTanh",
    "Step",
    "Subsample",
    "TableConv",
]
