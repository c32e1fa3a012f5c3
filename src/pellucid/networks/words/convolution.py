"""Convolution, its transpose, and the block of convolution, batch norm, activation, pooling and dropout."""

from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

from torch import nn

from pellucid.blocks import OverTime
from pellucid.networks.arguments import (
    Choice,
    Count,
    Extent,
    Flag,
    Kernel,
    Number,
    Pad,
    Padding,
    Steps,
    argument,
    written,
)
from pellucid.networks.field import Field
from pellucid.networks.initialisation import INITS
from pellucid.networks.layers import Layer
from pellucid.networks.place import MisfitError
from pellucid.networks.word import Word, Words, positions
from pellucid.networks.words.activation import ACTIVATIONS
from pellucid.networks.words.composite import Composite
from pellucid.networks.words.normalisation import BatchNorm, Dropout
from pellucid.networks.words.pooling import MaxPool
from pellucid.networks.words.windows import Axis, Window, for_axes, places_of, slide
from pellucid.shapes import Image, Sequence, Shape


@dataclass(frozen=True)
class Conv(Word):
    """Convolution (cross-correlation, as in all deep learning): `conv(maps, kernel)`, parameters (f*f*c/g + 1) maps.

    y[m] = b[m] + sum over c, i, j of w[m, c, i, j] x[c, s*u + d*i - p, s*v + d*j - p]; output size
    (n + 2p - f)/s + 1, rounded down. On a sequence the kernel has one side: `kernel=5`.
    """

    name: ClassVar[str] = "conv"
    also_called: ClassVar[tuple[str, ...]] = ("conv1d", "conv2d", "convolution", "convolutional")
    maps: int = argument(Count(), help="feature maps, the output's channels", letter="n", positional=True)
    kernel: Extent = argument(Kernel(), help="size of the window", letter="f", positional=True)
    stride: Extent = argument(Steps(), 1, help="step of the window", letter="s")
    padding: Padding = argument(Pad(), 0, help="zeros around: a number, same or valid", letter="p")
    dilation: Extent = argument(Steps(), 1, help="spacing of the kernel's places")
    groups: int = argument(Count(), 1, help="groups of channels convolved apart")
    bias: bool = argument(Flag(), True, help="whether a number is added to each map")
    init: str = argument(Choice(tuple(INITS)), "uniform", help="how the weights start: " + ", ".join(INITS))

    def _slide(self, incoming: Shape) -> tuple[Image | Sequence, Window]:
        return slide(self, incoming, self.kernel, self.stride, self.padding, self.dilation)

    def shape(self, incoming: Shape) -> Image | Sequence:
        """Return one map a kernel."""
        places, window = self._slide(incoming)
        channels = channels_of(places)
        if channels % self.groups or self.maps % self.groups:
            raise MisfitError(
                f"{self.groups} groups do not divide the channels",
                expected="groups that divide the input's channels and the maps",
                received=f"{channels} channels, {self.maps} maps, {self.groups} groups",
            )
        return window.output(places, self.maps)

    def parameters(self, incoming: Shape) -> int:
        """Return (f*f*c/g + 1) * maps."""
        places, window = self._slide(incoming)
        weights = prod(window.kernel) * (channels_of(places) // self.groups) * self.maps
        return weights + self.maps * self.bias

    def flops(self, incoming: Shape) -> int | None:
        """Return 2 x the weights of one place x the places of the output."""
        places, window = self._slide(incoming)
        count = positions(window.output(places, self.maps))
        weights = prod(window.kernel) * (channels_of(places) // self.groups) * self.maps
        return None if count is None else 2 * weights * count

    def field(self, before: Field, incoming: Shape) -> Field:
        """Return the field a window wider."""
        window = self._slide(incoming)[1]
        return before.window(window.kernel, window.stride, window.dilation)

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return a convolution, behind a padding where its two sides differ."""
        places, window = self._slide(incoming)
        named: dict[str, Any] = {"stride": window.stride} if set(window.stride) != {1} else {}
        if window.symmetric and any(window.before):
            named["padding"] = window.before
        if set(window.dilation) != {1}:
            named["dilation"] = window.dilation
        if self.groups > 1:
            named["groups"] = self.groups
        if not self.bias:
            named["bias"] = False
        image = isinstance(places, Image)
        kernel = (nn.Conv2d if image else nn.Conv1d, (channels_of(places), self.maps, window.kernel), named)
        conv = over(places, Layer("conv", *kernel, init=self.init))
        if window.symmetric:
            return (conv,)
        pad = Layer("pad", nn.ZeroPad2d if image else nn.ZeroPad1d, (window.pads(),))
        return over(places, pad), conv


@dataclass(frozen=True)
class ConvTranspose(Word):
    """Transposed convolution, the shape of a convolution backwards: output size (n - 1) s - 2p + f.

    `padding=same` gives n * s. Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016).
    """

    name: ClassVar[str] = "convtranspose"
    also_called: ClassVar[tuple[str, ...]] = ("deconv", "deconvolution", "conv2dtranspose", "convtranspose2d", "upconv")
    maps: int = argument(Count(), help="feature maps, the output's channels", letter="n", positional=True)
    kernel: Extent = argument(Kernel(), help="size of the window", letter="f", positional=True)
    stride: Extent = argument(Steps(), 1, help="step of the window in the output", letter="s")
    padding: Padding = argument(Pad(), 0, help="places cut off: a number, same or valid", letter="p")
    bias: bool = argument(Flag(), True, help="whether a number is added to each map")

    def _slide(self, incoming: Shape) -> tuple[Image | Sequence, tuple[Axis, ...]]:
        """Return the input and, for each of its axes, kernel, stride, places cut and places added behind."""
        places, _ = slide(self, incoming, 1)
        count = len(places_of(places))
        kernels, strides = (
            for_axes(self, name, v, count) for name, v in (("kernel", self.kernel), ("stride", self.stride))
        )
        if isinstance(self.padding, str):
            if any(s == 1 and k % 2 == 0 for k, s in zip(kernels, strides, strict=True)):
                raise MisfitError(
                    "an even kernel with stride 1 has no padding=same in convtranspose",
                    expected="an odd kernel, a stride, or a number for the padding",
                    received=str(self),
                )
            # cut f - s in all; where that is odd cut one more on both sides and add one behind
            cuts = tuple(max(0, -(-(k - s) // 2)) for k, s in zip(kernels, strides, strict=True))
            adds = tuple(2 * p - (k - s) for k, s, p in zip(kernels, strides, cuts, strict=True))
        else:
            cuts, adds = for_axes(self, "padding", self.padding, count), (0,) * count
        lengths = places_of(places)
        axes = tuple(
            Axis(n, k, s, 1, p, a) for n, k, s, p, a in zip(lengths, kernels, strides, cuts, adds, strict=True)
        )
        return places, axes

    def shape(self, incoming: Shape) -> Image | Sequence:
        """Return the enlarged maps."""
        places, axes = self._slide(incoming)
        sizes = [
            None
            if axis.length is None
            else (axis.length - 1) * axis.stride - 2 * axis.before + axis.kernel + axis.after
            for axis in axes
        ]
        if any(size is not None and size < 1 for size in sizes):
            raise MisfitError(
                "the padding of convtranspose cuts everything off",
                expected="a smaller padding",
                received=f"{written(self.padding)} on {incoming}",
            )
        if isinstance(places, Image):
            height, width = (size or 0 for size in sizes)
            return Image(height, width, self.maps)
        return Sequence(self.maps, sizes[0])

    def parameters(self, incoming: Shape) -> int:
        """Return f*f*c*maps + maps."""
        places, axes = self._slide(incoming)
        return prod(axis.kernel for axis in axes) * channels_of(places) * self.maps + self.maps * self.bias

    def flops(self, incoming: Shape) -> int | None:
        """Return 2 x the weights x the places of the input."""
        places, axes = self._slide(incoming)
        count = positions(places)
        weights = prod(axis.kernel for axis in axes) * channels_of(places) * self.maps
        return None if count is None else 2 * weights * count

    def field(self, before: Field, incoming: Shape) -> Field:
        """Return the field of the at most f/s (rounded up) input places an output place sees."""
        _, axes = self._slide(incoming)
        ones = (1,) * len(axes)
        seen = before.window((-(-axis.kernel // axis.stride) for axis in axes), ones, ones)
        return seen.finer(axis.stride for axis in axes)

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return a transposed convolution."""
        places, axes = self._slide(incoming)
        named: dict[str, Any] = {"stride": tuple(axis.stride for axis in axes)}
        if any(axis.before for axis in axes):
            named["padding"] = tuple(axis.before for axis in axes)
        if any(axis.after for axis in axes):
            named["output_padding"] = tuple(axis.after for axis in axes)
        if not self.bias:
            named["bias"] = False
        module = nn.ConvTranspose2d if isinstance(places, Image) else nn.ConvTranspose1d
        kernel = tuple(axis.kernel for axis in axes)
        layer = Layer("convtranspose", module, (channels_of(places), self.maps, kernel), named)
        return (over(places, layer),)


@dataclass(frozen=True)
class Cbapd(Composite):
    """The block of Convolution, Batch norm, Activation, Pooling and Dropout, in that order.

    The convolution has no bias: batch norm would subtract it again.
    """

    name: ClassVar[str] = "cbapd"
    maps: int = argument(Count(), help="feature maps, the output's channels", letter="n", positional=True)
    kernel: Extent = argument(Kernel(), help="size of the convolution's window", letter="f", positional=True)
    stride: Extent = argument(Steps(), 1, help="step of the convolution", letter="s")
    padding: Padding = argument(Pad(), "same", help="zeros around: a number, same or valid", letter="p")
    activation: str = argument(Choice(tuple(ACTIVATIONS)), "relu", help="the activation")
    pool: Extent = argument(Kernel(), 2, help="side of the max pooling")
    dropout: float = argument(Number(0.0, 1.0, below=True), 0.25, help="share of the numbers dropped")

    def expanded(self) -> Words:
        """Return the five words."""
        conv = Conv(self.maps, self.kernel, self.stride, self.padding, bias=False, place=self.place)
        activation = ACTIVATIONS[self.activation](place=self.place)
        pool = MaxPool(self.pool, place=self.place)
        return conv, BatchNorm(place=self.place), activation, pool, Dropout(self.dropout, place=self.place)


def channels_of(shape: Image | Sequence) -> int:
    """Return the channels of an image, or the features of a step."""
    return shape.channels if isinstance(shape, Image) else shape.features


def over(shape: Image | Sequence, layer: Layer) -> Layer:
    """Return a layer as it works on the shape: over time where that is a sequence."""
    return layer if isinstance(shape, Image) else Layer(layer.label, OverTime, (layer,))
