"""Words that move, enlarge or add to numbers, and the variational code."""

# ruff: noqa: ARG002 - every rule of a word is given the input's shape, though few words need it for all

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from torch import nn

from pellucid.blocks import OverTime, Resize
from pellucid.blocks import Sample as SampleBlock
from pellucid.networks.arguments import Choice, Count, Form, Number, Size, Steps, argument
from pellucid.networks.field import WHOLE, Field
from pellucid.networks.layers import Layer
from pellucid.networks.place import MisfitError
from pellucid.networks.word import IMAGES, PLACES, Word, refusal
from pellucid.networks.words.windows import for_axes
from pellucid.shapes import Features, Image, Sequence, Shape, Tokens, size


@dataclass(frozen=True)
class Flatten(Word):
    """All numbers in one row, in torch's order: channels, rows, columns; of a sequence, step by step."""

    name: ClassVar[str] = "flatten"

    def shape(self, incoming: Shape) -> Features:
        """Return as many features as there were numbers."""
        return Features(_fixed_size(self, incoming))

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return a flattening."""
        return (Layer("flatten", nn.Flatten),)


@dataclass(frozen=True)
class Reshape(Word):
    """The same numbers in another shape, in torch's order: `reshape(7x7x16)` is the tensor (N, 16, 7, 7)."""

    name: ClassVar[str] = "reshape"
    also_called: ClassVar[tuple[str, ...]] = ("view", "unflatten")
    to: Features | Image | Sequence = argument(Form(), help="the shape to take", positional=True)

    def shape(self, incoming: Shape) -> Shape:
        """Return the new shape."""
        here, there = _fixed_size(self, incoming), size(self.to)
        if there is None:
            raise MisfitError("reshape needs a fixed length", expected="such as T=28 x 28", received=str(self.to))
        if here != there:
            raise MisfitError(
                "reshape keeps every number",
                expected=f"a shape of {here:,} numbers, as {incoming} has",
                received=f"{self.to}, {there:,} numbers",
            )
        return self.to

    def field(self, before: Field, incoming: Shape) -> Field:
        """Return the whole input, for what was beside each other no longer is."""
        return before if incoming == self.to else WHOLE

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return a flattening, where there is something to flatten, and its reverse, where it is wanted."""
        flat = () if isinstance(incoming, Features) else (Layer("flatten", nn.Flatten),)
        if isinstance(self.to, Features):
            return flat or (Layer("identity", nn.Identity),)
        return (*flat, Layer("reshape", nn.Unflatten, (1, self.to.dimensions)))


@dataclass(frozen=True)
class Upsample(Word):
    """An enlarged image or sequence: by a factor, `upsample(2)`, or to a size, `upsample(to=32x32)`.

    Each number is repeated (`nearest`) or interpolated (`bilinear`, which, where the size shrinks, smooths first).
    """

    name: ClassVar[str] = "upsample"
    also_called: ClassVar[tuple[str, ...]] = ("upsampling", "upsampling2d", "interpolate", "resize")
    factor: int | tuple[int, int] | None = argument(
        Steps(), None, help="how many times as large: 2, or 2x1", positional=True
    )
    to: tuple[int, int] | None = argument(Size(), None, help="height and width of the output, in place of a factor")
    mode: str = argument(Choice(("nearest", "bilinear")), "nearest", help="nearest or bilinear")

    def __post_init__(self) -> None:
        """Check that there is a factor or a size, not both."""
        super().__post_init__()
        if (self.factor is None) == (self.to is None):
            raise MisfitError(
                "upsample takes a factor or a size",
                expected="upsample(2) or upsample(to=32x32)",
                received="neither" if self.to is None else "both",
            )

    def shape(self, incoming: Shape) -> Image | Sequence:
        """Return the enlarged shape."""
        match incoming:
            case Image(channels=channels):
                return Image(*self._target(incoming), channels)
            case Sequence(features, length):
                if self.to is not None or self.mode != "nearest":
                    raise MisfitError(
                        "a sequence is enlarged by a factor, each step repeated",
                        expected="such as upsample(2)",
                        received=str(self),
                    )
                (factor,) = for_axes(self, "factor", self.factor or 1, 1)
                return Sequence(features, None if length is None else length * factor)
        raise refusal(self, incoming, PLACES)

    def field(self, before: Field, incoming: Shape) -> Field:
        """Return a finer field; interpolation sees a neighbour more, and smoothing as much as it shrinks."""
        if isinstance(incoming, Sequence):
            return before.finer(for_axes(self, "factor", self.factor or 1, 1))
        assert isinstance(incoming, Image)
        height, width = self._target(incoming)
        factors = Fraction(height, incoming.height), Fraction(width, incoming.width)
        if self.mode == "bilinear" and before.size is not None:
            taps = [max(2, -(-2 * f.denominator // f.numerator)) if f != 1 else 1 for f in factors]
            before = before.window(taps, (1, 1), (1, 1))
        return before.finer(factors)

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return an upsampling, or a smoothed resizing where the image shrinks."""
        if isinstance(incoming, Sequence):
            factor = {"scale_factor": float(for_axes(self, "factor", self.factor or 1, 1)[0])}
            return (Layer(self.name, OverTime, (Layer(self.name, nn.Upsample, (), factor),)),)
        assert isinstance(incoming, Image)
        target = self._target(incoming)
        shrinks = target[0] < incoming.height or target[1] < incoming.width
        if self.mode == "bilinear" and shrinks:
            return (Layer(self.name, Resize, (target,)),)
        named: dict[str, Any] = {"size": target} | ({"mode": "bilinear"} if self.mode == "bilinear" else {})
        return (Layer(self.name, nn.Upsample, (), named),)

    def _target(self, incoming: Image) -> tuple[int, int]:
        if self.to is not None:
            return self.to
        rows, columns = for_axes(self, "factor", self.factor or 1, 2)
        return incoming.height * rows, incoming.width * columns


@dataclass(frozen=True)
class PadChannels(Word):
    """Channels of zeros behind an image's own, until there are so many: `padchannels(32)`.

    With `avgpool(1x1, stride=2)` before it, a shortcut without parameters: option A of He et al. (2016), section 3.3.
    """

    name: ClassVar[str] = "padchannels"
    also_called: ClassVar[tuple[str, ...]] = ("zeropadchannels", "padmaps")
    channels: int = argument(Count(), help="channels of the output", letter="n", positional=True)

    def shape(self, incoming: Shape) -> Image:
        """Return the same image with so many channels."""
        if not isinstance(incoming, Image):
            raise refusal(self, incoming, IMAGES)
        if self.channels < incoming.channels:
            raise MisfitError(
                "padchannels only adds channels",
                expected=f"at least {incoming.channels}, as {incoming} has",
                received=f"{self.channels}",
                advice=f"conv({self.channels}, 1x1) makes fewer of them",
            )
        return Image(incoming.height, incoming.width, self.channels)

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return a padding of the channels."""
        assert isinstance(incoming, Image)
        return (Layer(self.name, nn.ZeroPad3d, ((0, 0, 0, 0, 0, self.channels - incoming.channels),)),)


@dataclass(frozen=True)
class Sample(Word):
    """The random code of a variational autoencoder, whose input is, half and half, its mean and its log-variance.

    z = mean + exp(log_variance / 2) * noise in training, the mean at inference. Kingma and Welling (2014).

    A network that reconstructs its input pays, beside the squared error, for the divergence of the code from N(0, 1).
    With weight `beta` the sum is minus the evidence lower bound of a decoder whose noise has the variance `beta`, in
    units of the prepared input (Higgins et al. 2017 call it so where it is a free weight).
    """

    name: ClassVar[str] = "sample"
    also_called: ClassVar[tuple[str, ...]] = ("reparameterize", "reparametrise", "variational")
    beta: float = argument(Number(0.0), 1.0, help="weight of the code's divergence from N(0, 1) in the loss")

    def shape(self, incoming: Shape) -> Features | Image:
        """Return half the features, or half the channels."""
        match incoming:
            case Features(count) if count % 2 == 0:
                return Features(count // 2)
            case Image(height, width, channels) if channels % 2 == 0:
                return Image(height, width, channels // 2)
            case Features() | Image():
                raise MisfitError(
                    "sample halves its input into mean and log-variance",
                    expected="an even number of features or channels",
                    received=str(incoming),
                )
        raise refusal(self, incoming, "features and images")

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return the block that samples."""
        return (Layer("sample", SampleBlock, (), {} if self.beta == 1 else {"beta": self.beta}),)


def _fixed_size(word: Word, incoming: Shape) -> int:
    if isinstance(incoming, Tokens):
        raise refusal(word, incoming, "features, images and sequences", "embed the ids first: embed(64)")
    count = size(incoming)
    if count is None:
        raise MisfitError(
            f"{word.name} needs to know how many numbers there are, but the sequence's length is free",
            expected="a fixed length such as T=24 x 8",
            received=str(incoming),
            advice="last or globalavgpool make one row of a sequence of any length",
        )
    return count
