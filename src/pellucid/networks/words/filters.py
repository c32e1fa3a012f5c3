"""Fixed convolutions: what was known of images before kernels were learned."""

from dataclasses import dataclass
from typing import ClassVar

from pellucid.blocks import EdgeFilter
from pellucid.networks.arguments import Choice, Number, Pad, Padding, argument
from pellucid.networks.field import Field
from pellucid.networks.layers import Layer
from pellucid.networks.word import IMAGES, Word, refusal
from pellucid.networks.words.windows import Window, slide
from pellucid.shapes import Image, Shape

_SIDE = 3


@dataclass(frozen=True)
class Edges(Word):
    """How steeply an image rises at an angle, channel by channel: a fixed 3x3 convolution with nothing to train."""

    name: ClassVar[str] = "edges"
    also_called: ClassVar[tuple[str, ...]] = ("edge", "edgefilter", "edgedetector")
    filter: str = argument(
        Choice(tuple(dict(EdgeFilter.SMOOTHINGS))), "sobel", help="prewitt, sobel or scharr", positional=True
    )
    angle: float = argument(
        Number(-360.0, 360.0), 0.0, help="direction of the slope in degrees: 0 to the right, 90 down"
    )
    padding: Padding = argument(Pad(), 0, help="zeros around: a number, same or valid", letter="p")

    def _slide(self, incoming: Shape) -> tuple[Image, Window]:
        if not isinstance(incoming, Image):
            raise refusal(self, incoming, IMAGES)
        return incoming, slide(self, incoming, _SIDE, padding=self.padding)[1]

    def shape(self, incoming: Shape) -> Image:
        """Return the same channels, two rows and columns fewer without padding."""
        image, window = self._slide(incoming)
        output = window.output(image, image.channels)
        assert isinstance(output, Image)
        return output

    def flops(self, incoming: Shape) -> int:
        """Return 2 x 9 x the numbers of the output."""
        output = self.shape(incoming)
        return 2 * _SIDE * _SIDE * output.height * output.width * output.channels

    def field(self, before: Field, incoming: Shape) -> Field:
        """Return the field a window wider."""
        window = self._slide(incoming)[1]
        return before.window(window.kernel, window.stride, window.dilation)

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return the filter."""
        window = self._slide(incoming)[1]
        named = {"angle": self.angle} if self.angle else {}
        padding = {"padding": window.before} if any(window.before) else {}
        return (Layer(self.name, EdgeFilter, (self.filter,), named | padding),)
