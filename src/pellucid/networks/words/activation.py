"""Activations: a function of each number, and softmax."""

# ruff: noqa: ARG002 - every rule of a word is given the input's shape, though few words need it for all

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from torch import nn

from pellucid.blocks import Step as StepBlock
from pellucid.networks.arguments import Number, argument
from pellucid.networks.layers import Layer
from pellucid.networks.word import NUMBERS, Word, refusal
from pellucid.shapes import Image, Shape, Tokens


@dataclass(frozen=True)
class Activation(Word):
    """A function of each number, which keeps the shape."""

    module: ClassVar[type[nn.Module]]

    def shape(self, incoming: Shape) -> Shape:
        """Return the shape unchanged."""
        if isinstance(incoming, Tokens):
            raise refusal(self, incoming, NUMBERS)
        return incoming

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return the activation."""
        return (Layer(self.name, self.module, (), self._named(incoming)),)

    def _named(self, incoming: Shape) -> Mapping[str, Any]:
        return MappingProxyType({})


@dataclass(frozen=True)
class Relu(Activation):
    """The rectified linear unit, max(0, x)."""

    name: ClassVar[str] = "relu"
    also_called: ClassVar[tuple[str, ...]] = ("rectifier",)
    module: ClassVar[type[nn.Module]] = nn.ReLU


@dataclass(frozen=True)
class LeakyRelu(Activation):
    """Leaky ReLU: x where x > 0, else slope * x."""

    name: ClassVar[str] = "leakyrelu"
    also_called: ClassVar[tuple[str, ...]] = ("lrelu", "leaky_relu", "leaky-relu")
    module: ClassVar[type[nn.Module]] = nn.LeakyReLU
    slope: float = argument(Number(0.0), 0.01, help="slope below zero", positional=True)

    def _named(self, incoming: Shape) -> Mapping[str, Any]:
        return {"negative_slope": self.slope}


@dataclass(frozen=True)
class Elu(Activation):
    """The exponential linear unit: x where x > 0, else alpha (exp(x) - 1). Clevert et al. (2016)."""

    name: ClassVar[str] = "elu"
    module: ClassVar[type[nn.Module]] = nn.ELU
    alpha: float = argument(Number(0.0), 1.0, help="minus the value it tends to far below zero", positional=True)

    def _named(self, incoming: Shape) -> Mapping[str, Any]:
        return {"alpha": self.alpha}


@dataclass(frozen=True)
class Selu(Activation):
    """The self-normalising unit: 1.0507 x where x > 0, else 1.7581 (exp(x) - 1). Klambauer et al. (2017)."""

    name: ClassVar[str] = "selu"
    module: ClassVar[type[nn.Module]] = nn.SELU


@dataclass(frozen=True)
class Prelu(Activation):
    """Parametric ReLU: x where x > 0, else a x with one learned a, 0.25 at first. He et al. (2015)."""

    name: ClassVar[str] = "prelu"
    module: ClassVar[type[nn.Module]] = nn.PReLU

    def parameters(self, incoming: Shape) -> int:
        """Return the slope below zero."""
        return 1


@dataclass(frozen=True)
class Gelu(Activation):
    """The Gaussian error linear unit, x * P(X <= x) for a standard normal X. Hendrycks and Gimpel (2016)."""

    name: ClassVar[str] = "gelu"
    module: ClassVar[type[nn.Module]] = nn.GELU


@dataclass(frozen=True)
class Silu(Activation):
    """The sigmoid linear unit, or swish, x * sigmoid(x)."""

    name: ClassVar[str] = "silu"
    also_called: ClassVar[tuple[str, ...]] = ("swish",)
    module: ClassVar[type[nn.Module]] = nn.SiLU


@dataclass(frozen=True)
class Mish(Activation):
    """Mish, x * tanh(softplus(x)). Misra (2020)."""

    name: ClassVar[str] = "mish"
    module: ClassVar[type[nn.Module]] = nn.Mish


@dataclass(frozen=True)
class Softplus(Activation):
    """The smooth ReLU, log(1 + exp(x)), whose derivative is the sigmoid."""

    name: ClassVar[str] = "softplus"
    module: ClassVar[type[nn.Module]] = nn.Softplus


@dataclass(frozen=True)
class Sigmoid(Activation):
    """The logistic function, 1 / (1 + exp(-x))."""

    name: ClassVar[str] = "sigmoid"
    also_called: ClassVar[tuple[str, ...]] = ("logit",)
    module: ClassVar[type[nn.Module]] = nn.Sigmoid


@dataclass(frozen=True)
class Tanh(Activation):
    """The hyperbolic tangent."""

    name: ClassVar[str] = "tanh"
    module: ClassVar[type[nn.Module]] = nn.Tanh


@dataclass(frozen=True)
class HardTanh(Activation):
    """The straight lines nearest to tanh: x between -1 and 1, and -1 and 1 beyond."""

    name: ClassVar[str] = "hardtanh"
    module: ClassVar[type[nn.Module]] = nn.Hardtanh


@dataclass(frozen=True)
class Step(Activation):
    """The hard threshold of a McCulloch-Pitts neuron: 1 where x >= threshold, else 0; it has no gradient."""

    name: ClassVar[str] = "step"
    also_called: ClassVar[tuple[str, ...]] = ("threshold", "heaviside")
    module: ClassVar[type[nn.Module]] = StepBlock
    threshold: float = argument(Number(float("-inf")), 0.0, help="the smallest value that fires", positional=True)

    def _named(self, incoming: Shape) -> Mapping[str, Any]:
        return {"threshold": self.threshold}


@dataclass(frozen=True)
class Identity(Activation):
    """The linear activation: x itself."""

    name: ClassVar[str] = "identity"
    module: ClassVar[type[nn.Module]] = nn.Identity


@dataclass(frozen=True)
class Softmax(Activation):
    """exp(x_i) / sum_j exp(x_j), over the features, or over the channels of each pixel."""

    name: ClassVar[str] = "softmax"
    module: ClassVar[type[nn.Module]] = nn.Softmax

    def _named(self, incoming: Shape) -> Mapping[str, Any]:
        return {"dim": 1 if isinstance(incoming, Image) else -1}


ACTIVATIONS: Mapping[str, type[Activation]] = MappingProxyType(
    {
        word.name: word
        for word in (
            *(Relu, LeakyRelu, Prelu, Elu, Selu, Gelu, Silu, Mish, Softplus),
            *(Sigmoid, Tanh, HardTanh, Identity),
        )
    }
)
