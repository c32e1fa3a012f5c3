"""The layers of the LeNet-5 of 1998 that later networks left behind. LeCun, Bottou, Bengio and Haffner (1998)."""

# ruff: noqa: ARG002 - every rule of a word is given the input's shape, though few words need it for all

from dataclasses import dataclass
from math import comb
from typing import ClassVar

from torch import nn

from pellucid.blocks import Codes as CodesBlock
from pellucid.blocks import ScaledTanh as ScaledTanhBlock
from pellucid.blocks import Subsample as SubsampleBlock
from pellucid.blocks import TableConv as TableConvBlock
from pellucid.networks.arguments import Count, Extent, Kernel, argument
from pellucid.networks.field import WHOLE, Field
from pellucid.networks.layers import Layer
from pellucid.networks.place import MisfitError
from pellucid.networks.word import IMAGES, Word, refusal
from pellucid.networks.words.activation import Activation
from pellucid.networks.words.windows import Window, slide
from pellucid.recipe import LossName
from pellucid.shapes import Features, Image, Shape

MOST_CODES = 10_000


@dataclass(frozen=True)
class Subsample(Word):
    """Trainable subsampling: the sum of each window times a coefficient plus a bias, both learned for each channel."""

    name: ClassVar[str] = "subsample"
    also_called: ClassVar[tuple[str, ...]] = ("subsampling",)
    kernel: Extent = argument(Kernel(), help="size of the window, and its step", letter="f", positional=True)

    def _slide(self, incoming: Shape) -> tuple[Image, Window]:
        if not isinstance(incoming, Image):
            raise refusal(self, incoming, IMAGES)
        return incoming, slide(self, incoming, self.kernel, self.kernel)[1]

    def shape(self, incoming: Shape) -> Image:
        """Return the same channels over fewer places."""
        image, window = self._slide(incoming)
        return _maps(window, image, image.channels)

    def parameters(self, incoming: Shape) -> int:
        """Return a coefficient and a bias for each channel."""
        return 2 * self._slide(incoming)[0].channels

    def field(self, before: Field, incoming: Shape) -> Field:
        """Return the field a window wider."""
        window = self._slide(incoming)[1]
        return before.window(window.kernel, window.stride, window.dilation)

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return a subsampling."""
        image, window = self._slide(incoming)
        return (Layer(self.name, SubsampleBlock, (image.channels, window.kernel)),)


@dataclass(frozen=True)
class TableConv(Word):
    """The convolution C3: 16 maps, each of which sees 3, 4 or all of 6 maps by the paper's table of connections."""

    name: ClassVar[str] = "tableconv"
    kernel: Extent = argument(Kernel(), help="size of the window", letter="f", positional=True)

    def _slide(self, incoming: Shape) -> tuple[Image, Window]:
        seen = 1 + max(int(each) for every in TableConvBlock.TABLE for each in every)
        if not isinstance(incoming, Image):
            raise refusal(self, incoming, IMAGES)
        if incoming.channels != seen:
            raise MisfitError(
                "the connection table of tableconv is of six maps",
                expected=f"{incoming.height}x{incoming.width}x{seen}",
                received=str(incoming),
                advice="conv(16, 5x5) connects any number of maps, each to all",
            )
        return incoming, slide(self, incoming, self.kernel)[1]

    def shape(self, incoming: Shape) -> Image:
        """Return the table's maps."""
        image, window = self._slide(incoming)
        return _maps(window, image, len(TableConvBlock.TABLE))

    def parameters(self, incoming: Shape) -> int:
        """Return f*f for each of the table's 60 connections, and a bias for each of its 16 maps."""
        return self._weights(incoming) + len(TableConvBlock.TABLE)

    def flops(self, incoming: Shape) -> int:
        """Return 2 x the weights x the places of the output."""
        image = self.shape(incoming)
        return 2 * self._weights(incoming) * image.height * image.width

    def _weights(self, incoming: Shape) -> int:
        height, width = self._slide(incoming)[1].kernel
        return sum(map(len, TableConvBlock.TABLE)) * height * width

    def field(self, before: Field, incoming: Shape) -> Field:
        """Return the field a window wider."""
        window = self._slide(incoming)[1]
        return before.window(window.kernel, window.stride, window.dilation)

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return the convolution."""
        return (Layer(self.name, TableConvBlock, (self._slide(incoming)[1].kernel,)),)


@dataclass(frozen=True)
class ScaledTanh(Activation):
    """The squashing of LeNet-5, 1.7159 tanh(2/3 x), which takes 1 to 1 and -1 to -1."""

    name: ClassVar[str] = "scaledtanh"
    also_called: ClassVar[tuple[str, ...]] = ("lecuntanh",)
    module: ClassVar[type[nn.Module]] = ScaledTanhBlock


@dataclass(frozen=True)
class Codes(Word):
    """Minus the squared distance to a fixed code of +1 and -1 for each class; ten in 84 numbers are drawn digits."""

    name: ClassVar[str] = "codes"
    also_called: ClassVar[tuple[str, ...]] = ("rbfcodes", "errorcodes")
    loss: ClassVar[LossName] = "map"
    classes: int = argument(Count(), help="codes, the output's features", positional=True)

    def shape(self, incoming: Shape) -> Features:
        """Return one number a class."""
        if not isinstance(incoming, Features):
            raise refusal(self, incoming, "a row of features", "such as fc(84) -> scaledtanh before it")
        if self.classes > MOST_CODES:
            raise MisfitError(
                "these are too many codes", expected=f"at most {MOST_CODES:,}", received=f"{self.classes:,}"
            )
        # beyond 64 numbers there are more codes than can be counted, and none is drawn twice
        count = incoming.count
        if count < 64 and comb(count, count // 2) < 2 * self.classes:
            raise MisfitError(
                f"{self.classes:,} codes of {count} numbers, half of them +1, would be too alike",
                expected="longer codes, such as the 84 numbers of LeNet-5",
                received=str(incoming),
            )
        return Features(self.classes)

    def flops(self, incoming: Shape) -> int:
        """Return 2 x inputs x classes."""
        assert isinstance(incoming, Features)
        return 2 * incoming.count * self.classes

    def field(self, before: Field, incoming: Shape) -> Field:
        """Return the whole input."""
        return WHOLE

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return the distances."""
        assert isinstance(incoming, Features)
        return (Layer(self.name, CodesBlock, (incoming.count, self.classes)),)


def _maps(window: Window, incoming: Image, channels: int) -> Image:
    shape = window.output(incoming, channels)
    assert isinstance(shape, Image)
    return shape
