"""Normalisation over the batch, over a sample and over neighbouring channels; dropout and noise."""

# ruff: noqa: ARG002 - every rule of a word is given the input's shape, though few words need it for all

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from torch import nn

from pellucid.blocks import GaussianNoise as GaussianNoiseBlock
from pellucid.blocks import OverTime
from pellucid.networks.arguments import Count, Number, argument
from pellucid.networks.field import WHOLE, Field
from pellucid.networks.layers import Layer
from pellucid.networks.word import IMAGES, NUMBERS, Word, refusal
from pellucid.shapes import Features, Image, Sequence, Shape, Tokens


@dataclass(frozen=True)
class BatchNorm(Word):
    """Batch normalisation: gamma (x - mean) / sqrt(variance + epsilon) + beta, each channel over the batch.

    At inference with the moving averages of training. Ioffe and Szegedy (2015).
    """

    name: ClassVar[str] = "batchnorm"
    also_called: ClassVar[tuple[str, ...]] = ("bn", "batchnorm1d", "batchnorm2d", "batchnormalization")
    epsilon: float = argument(Number(1e-12), 1e-5, help="added to the variance")

    def shape(self, incoming: Shape) -> Shape:
        """Return the shape unchanged."""
        if isinstance(incoming, Tokens):
            raise refusal(self, incoming, NUMBERS)
        return incoming

    def parameters(self, incoming: Shape) -> int:
        """Return a gamma and a beta for each channel."""
        return 2 * last_count(incoming)

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return a batch normalisation."""
        module = nn.BatchNorm2d if isinstance(incoming, Image) else nn.BatchNorm1d
        named = {} if self.epsilon == 1e-5 else {"eps": self.epsilon}
        layer = Layer("bn", module, (last_count(incoming),), named)
        return (Layer("bn", OverTime, (layer,)),) if isinstance(incoming, Sequence) else (layer,)


@dataclass(frozen=True)
class LayerNorm(Word):
    """Layer normalisation of each sample by its own mean and variance; on a sequence, of each step.

    Ba, Kiros and Hinton (2016).
    """

    name: ClassVar[str] = "layernorm"
    also_called: ClassVar[tuple[str, ...]] = ("ln", "layernormalization")

    def shape(self, incoming: Shape) -> Shape:
        """Return the shape unchanged."""
        if isinstance(incoming, Tokens):
            raise refusal(self, incoming, NUMBERS)
        return incoming

    def parameters(self, incoming: Shape) -> int:
        """Return a scale and a shift for each number."""
        return 2 * prod(incoming.dimensions) if isinstance(incoming, Image) else 2 * last_count(incoming)

    def field(self, before: Field, incoming: Shape) -> Field:
        """Return the whole input for an image, whose numbers all share a mean."""
        return WHOLE if isinstance(incoming, Image) else before

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return a layer normalisation."""
        sizes = incoming.dimensions if isinstance(incoming, Image) else (last_count(incoming),)
        return (Layer("layernorm", nn.LayerNorm, (sizes,)),)


@dataclass(frozen=True)
class Lrn(Word):
    """Local response normalisation, x / (k + alpha * sum of x^2 over `size` neighbouring channels)^beta.

    Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks" (2012), section 3.3. The alpha
    is the paper's; torch's is `size` times as large, for it divides by the size.
    """

    name: ClassVar[str] = "lrn"
    also_called: ClassVar[tuple[str, ...]] = ("localresponsenorm",)
    size: int = argument(Count(), 5, help="neighbouring channels that are summed", positional=True)
    alpha: float = argument(Number(0.0), 1e-4, help="weight of the sum")
    beta: float = argument(Number(0.0), 0.75, help="exponent")
    k: float = argument(Number(0.0), 2.0, help="added to the sum")

    def shape(self, incoming: Shape) -> Image:
        """Return the shape unchanged."""
        if not isinstance(incoming, Image):
            raise refusal(self, incoming, IMAGES)
        return incoming

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return a local response normalisation."""
        named = {"alpha": self.size * self.alpha, "beta": self.beta, "k": self.k}
        return (Layer("lrn", nn.LocalResponseNorm, (self.size,), named),)


@dataclass(frozen=True)
class Dropout(Word):
    """Inverted dropout: in training each number is zeroed with probability `rate`, the others divided by 1 - rate.

    Srivastava et al. (2014).
    """

    name: ClassVar[str] = "dropout"
    rate: float = argument(Number(0.0, 1.0, below=True), 0.5, help="share of the numbers dropped", positional=True)

    def shape(self, incoming: Shape) -> Shape:
        """Return the shape unchanged."""
        if isinstance(incoming, Tokens):
            raise refusal(self, incoming, NUMBERS)
        return incoming

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return a dropout."""
        return (Layer("dropout", nn.Dropout, (self.rate,)),)


@dataclass(frozen=True)
class GaussianNoise(Word):
    """Normal noise of standard deviation `deviation`, added in training only: a denoising network's first layer.

    Vincent et al. (2008) mask the input instead, as `dropout` does.
    """

    name: ClassVar[str] = "gaussiannoise"
    also_called: ClassVar[tuple[str, ...]] = ("noise",)
    deviation: float = argument(Number(0.0), help="standard deviation, in units of the input", positional=True)

    def shape(self, incoming: Shape) -> Shape:
        """Return the shape unchanged."""
        if isinstance(incoming, Tokens):
            raise refusal(self, incoming, NUMBERS)
        return incoming

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return the block that adds noise."""
        return (Layer(self.name, GaussianNoiseBlock, (self.deviation,)),)


def last_count(shape: Shape) -> int:
    """Return the channels of an image, or the features of a row or a step."""
    match shape:
        case Image(channels=count) | Features(count) | Sequence(count):
            return count
        case Tokens(vocabulary):
            return vocabulary
