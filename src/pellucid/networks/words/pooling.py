"""Pooling: a window's maximum, average, minimum or median, and averages over as many windows as are wanted."""

# ruff: noqa: ARG002 - every rule of a word is given the input's shape, though few words need it for all

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from torch import nn

from pellucid.blocks import MedianPool as MedianPoolBlock
from pellucid.blocks import MinPool as MinPoolBlock
from pellucid.blocks import OverTime
from pellucid.networks.arguments import Extent, Kernel, Pad, Padding, Size, Steps, argument
from pellucid.networks.field import WHOLE, Field
from pellucid.networks.layers import Layer
from pellucid.networks.place import MisfitError
from pellucid.networks.word import IMAGES, PLACES, Word, refusal
from pellucid.networks.words.windows import Axis, Window, slide
from pellucid.shapes import Features, Image, Sequence, Shape


@dataclass(frozen=True)
class _Pool(Word):
    """A window that makes one number of many, channel by channel; its stride is its kernel unless said."""

    kernel: Extent = argument(Kernel(), help="size of the window", letter="f", positional=True)
    stride: Extent | None = argument(Steps(), None, help="step of the window; its size unless said", letter="s")
    padding: Padding = argument(Pad(), 0, help="places around, which never count: a number, same or valid", letter="p")

    def _slide(self, incoming: Shape) -> tuple[Image | Sequence, Window]:
        stride = self.kernel if self.stride is None else self.stride
        places, window = slide(self, incoming, self.kernel, stride, self.padding)
        for axis in window.axes:
            if self.padding != "same" and axis.before > axis.kernel // 2:
                raise MisfitError(
                    f"the padding of {self.name} is more than half its kernel",
                    expected=f"at most {axis.kernel // 2}",
                    received=f"padding {axis.before} with kernel {axis.kernel}",
                    advice="a window outside the input would have nothing to pool",
                )
        return places, window

    def shape(self, incoming: Shape) -> Image | Sequence:
        """Return the same channels over fewer places."""
        places, window = self._slide(incoming)
        return window.output(places, places.channels if isinstance(places, Image) else places.features)

    def field(self, before: Field, incoming: Shape) -> Field:
        """Return the field a window wider."""
        window = self._slide(incoming)[1]
        return before.window(window.kernel, window.stride, window.dilation)

    def _layer(
        self, incoming: Shape, for_image: type[nn.Module], for_sequence: type[nn.Module], **named: Any
    ) -> tuple[Layer, ...]:
        places, window = self._slide(incoming)
        image = isinstance(places, Image)
        layers = _padded(window, Layer(self.name, for_image if image else for_sequence, (window.kernel,), named), image)
        return layers if image else tuple(Layer(layer.label, OverTime, (layer,)) for layer in layers)


def _padded(window: Window, layer: Layer, image: bool) -> tuple[Layer, ...]:
    """Return the pooling with its padding.

    An odd `same` padding is one place more behind than in front. Where the stride is more than 1, torch's `ceil_mode`
    says just that, for the last window then sticks out by one; with stride 1 the input itself must be padded.
    """
    named: dict[str, Any] = {"stride": window.stride, "padding": window.before} | dict(layer.named)
    if any(_odd(axis) and axis.stride == 1 for axis in window.axes):
        outside = float("inf") if layer.module is MinPoolBlock else float("-inf")
        pad = Layer("pad", nn.ConstantPad2d if image else nn.ConstantPad1d, (window.pads(), outside))
        named["padding"] = (0,) * len(window.axes)
        return pad, Layer(layer.label, layer.module, layer.positional, named)
    if not window.symmetric:
        named["ceil_mode"] = True
    if not any(window.before) and layer.module is not MinPoolBlock:
        del named["padding"]
    return (Layer(layer.label, layer.module, layer.positional, named),)


def _odd(axis: Axis) -> bool:
    return axis.before != axis.after


@dataclass(frozen=True)
class MaxPool(_Pool):
    """The largest number of each window: `maxpool(2x2)`."""

    name: ClassVar[str] = "maxpool"
    also_called: ClassVar[tuple[str, ...]] = ("maxpool1d", "maxpool2d", "maxpooling", "pool", "pooling")

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return a max pooling."""
        return self._layer(incoming, nn.MaxPool2d, nn.MaxPool1d)


@dataclass(frozen=True)
class MinPool(_Pool):
    """The smallest number of each window: `minpool(2x2)`."""

    name: ClassVar[str] = "minpool"

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return a min pooling."""
        return self._layer(incoming, MinPoolBlock, MinPoolBlock)


@dataclass(frozen=True)
class AvgPool(_Pool):
    """The mean of each window, of its places inside the input only: `avgpool(2x2)`."""

    name: ClassVar[str] = "avgpool"
    also_called: ClassVar[tuple[str, ...]] = ("avgpool1d", "avgpool2d", "averagepool", "averagepooling", "meanpool")

    def shape(self, incoming: Shape) -> Image | Sequence:
        """Return the same channels over fewer places."""
        _, window = self._slide(incoming)
        if any(_odd(axis) and axis.stride == 1 for axis in window.axes):
            raise MisfitError(
                "an average over an even kernel with stride 1 has no padding=same",
                expected="an odd kernel, a stride, or a number for the padding",
                received=str(self),
            )
        return super().shape(incoming)

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return an average pooling that leaves the padding out of its means."""
        padded = any(axis.before or axis.after for axis in self._slide(incoming)[1].axes)
        named = {"count_include_pad": False} if padded else {}
        return self._layer(incoming, nn.AvgPool2d, nn.AvgPool1d, **named)


@dataclass(frozen=True)
class MedianPool(Word):
    """The median of each window (the mean of the middle two of an even number): `medianpool(3x3)`."""

    name: ClassVar[str] = "medianpool"
    kernel: Extent = argument(Kernel(), help="size of the window", letter="f", positional=True)
    stride: Extent | None = argument(Steps(), None, help="step of the window; its size unless said", letter="s")

    def _slide(self, incoming: Shape) -> tuple[Image | Sequence, Window]:
        return slide(self, incoming, self.kernel, self.kernel if self.stride is None else self.stride)

    def shape(self, incoming: Shape) -> Image | Sequence:
        """Return the same channels over fewer places."""
        places, window = self._slide(incoming)
        return window.output(places, places.channels if isinstance(places, Image) else places.features)

    def field(self, before: Field, incoming: Shape) -> Field:
        """Return the field a window wider."""
        window = self._slide(incoming)[1]
        return before.window(window.kernel, window.stride, window.dilation)

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return a median pooling."""
        places, window = self._slide(incoming)
        layer = Layer(self.name, MedianPoolBlock, (), {"kernel_size": window.kernel, "stride": window.stride})
        return (layer,) if isinstance(places, Image) else (Layer(self.name, OverTime, (layer,)),)


@dataclass(frozen=True)
class AdaptiveAvgPool(Word):
    """The means of windows that divide an image, whatever its size, into so many places: `adaptiveavgpool(6x6)`.

    Place i of m along an axis of n is the mean of those from floor(i n / m) to ceil((i + 1) n / m). Where m is more
    than n, pixels are repeated.
    """

    name: ClassVar[str] = "adaptiveavgpool"
    also_called: ClassVar[tuple[str, ...]] = ("adaptiveavgpool2d", "adaptiveaveragepool", "adaptiveaveragepooling")
    to: tuple[int, int] = argument(Size(), help="height and width of the output", positional=True)

    def shape(self, incoming: Shape) -> Image:
        """Return the same channels over so many places."""
        if not isinstance(incoming, Image):
            raise refusal(self, incoming, IMAGES)
        return Image(*self.to, incoming.channels)

    def field(self, before: Field, incoming: Shape) -> Field:
        """Return the field of the widest window."""
        assert isinstance(incoming, Image)
        axes = list(zip((incoming.height, incoming.width), self.to, strict=True))
        widest = [max(-(-(i + 1) * n // m) - i * n // m for i in range(m)) for n, m in axes]
        return before.window(widest, [Fraction(n, m) for n, m in axes], (1, 1))

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return an adaptive average pooling."""
        return (Layer(self.name, nn.AdaptiveAvgPool2d, (self.to,)),)


@dataclass(frozen=True)
class GlobalAvgPool(Word):
    """The mean of each channel over all pixels, or of each feature over all steps: HxWxC becomes C."""

    name: ClassVar[str] = "globalavgpool"
    also_called: ClassVar[tuple[str, ...]] = ("gap", "globalaveragepool", "globalaveragepooling", "globalpool")

    def shape(self, incoming: Shape) -> Features:
        """Return one number a channel."""
        match incoming:
            case Image(channels=channels):
                return Features(channels)
            case Sequence(features):
                return Features(features)
        raise refusal(self, incoming, PLACES)

    def field(self, before: Field, incoming: Shape) -> Field:
        """Return the whole input."""
        return WHOLE

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return an adaptive average pooling to one place, and a flattening."""
        flatten = Layer("flatten", nn.Flatten)
        if isinstance(incoming, Image):
            return Layer(self.name, nn.AdaptiveAvgPool2d, (1,)), flatten
        return Layer(self.name, OverTime, (Layer(self.name, nn.AdaptiveAvgPool1d, (1,)),)), flatten
