"""The words of the notation, grouped by theme; a new word is one class in one of these files and its name here."""

from collections.abc import Mapping
from types import MappingProxyType

from pellucid.networks.word import Word
from pellucid.networks.words.activation import (
    Activation,
    Elu,
    Gelu,
    HardTanh,
    Identity,
    LeakyRelu,
    Mish,
    Prelu,
    Relu,
    Selu,
    Sigmoid,
    Silu,
    Softmax,
    Softplus,
    Step,
    Tanh,
)
from pellucid.networks.words.adversarial import Code, Gan
from pellucid.networks.words.branching import Branching
from pellucid.networks.words.combinators import Add, Concat, FromLast, Heads, Repeat, Residual
from pellucid.networks.words.composite import Composite
from pellucid.networks.words.convolution import Cbapd, Conv, ConvTranspose
from pellucid.networks.words.dense import Fc, Maxout
from pellucid.networks.words.filters import Edges
from pellucid.networks.words.lenet import Codes, ScaledTanh, Subsample, TableConv
from pellucid.networks.words.memory import Binarise, Hopfield, ModernHopfield
from pellucid.networks.words.normalisation import BatchNorm, Dropout, GaussianNoise, LayerNorm, Lrn
from pellucid.networks.words.pooling import AdaptiveAvgPool, AvgPool, GlobalAvgPool, MaxPool, MedianPool, MinPool
from pellucid.networks.words.radial import Rbf
from pellucid.networks.words.recurrence import Embed, Ends, Gru, Last, Lstm, RepeatVector, Rnn
from pellucid.networks.words.reshaping import Flatten, PadChannels, Reshape, Sample, Upsample

__all__ = [
    "COMBINATORS",
    "WORDS",
    "Activation",
    "AdaptiveAvgPool",
    "Add",
    "AvgPool",
    "BatchNorm",
    "Binarise",
    "Branching",
    "Cbapd",
    "Code",
    "Codes",
    "Composite",
    "Concat",
    "Conv",
    "ConvTranspose",
    "Dropout",
    "Edges",
    "Elu",
    "Embed",
    "Ends",
    "Fc",
    "Flatten",
    "FromLast",
    "Gan",
    "GaussianNoise",
    "Gelu",
    "GlobalAvgPool",
    "Gru",
    "HardTanh",
    "Heads",
    "Hopfield",
    "Identity",
    "Last",
    "LayerNorm",
    "LeakyRelu",
    "Lrn",
    "Lstm",
    "MaxPool",
    "Maxout",
    "MedianPool",
    "MinPool",
    "Mish",
    "ModernHopfield",
    "PadChannels",
    "Prelu",
    "Rbf",
    "Relu",
    "Repeat",
    "RepeatVector",
    "Reshape",
    "Residual",
    "Rnn",
    "Sample",
    "ScaledTanh",
    "Selu",
    "Sigmoid",
    "Silu",
    "Softmax",
    "Softplus",
    "Step",
    "Subsample",
    "TableConv",
    "Tanh",
    "Upsample",
]

COMBINATORS: Mapping[str, type[Branching]] = MappingProxyType(
    {word.name: word for word in (Add, Concat, Residual, FromLast, Heads, Gan)}
)

_PLAIN: tuple[type[Word], ...] = (
    *(Conv, ConvTranspose, Cbapd, Edges),
    *(MaxPool, AvgPool, MinPool, MedianPool, AdaptiveAvgPool, GlobalAvgPool),
    *(Fc, Maxout, Rbf),
    *(Relu, LeakyRelu, Prelu, Elu, Selu, Gelu, Silu, Mish, Softplus, Sigmoid, Tanh, HardTanh, Softmax, Step, Identity),
    *(Dropout, GaussianNoise, BatchNorm, LayerNorm, Lrn),
    *(Rnn, Lstm, Gru, Last, Ends, Embed, RepeatVector),
    *(TableConv, Subsample, ScaledTanh, Codes),
    *(Flatten, Reshape, Upsample, PadChannels, Sample, Code),
    *(Binarise, Hopfield, ModernHopfield),
)

WORDS: Mapping[str, type[Word]] = MappingProxyType({word.name: word for word in _PLAIN})
