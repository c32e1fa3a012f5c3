"""Windows that slide over an image or a sequence: what convolution and pooling share.

An axis of n places, padding p on both sides, kernel f, stride s and dilation d has (n + 2p - d (f - 1) - 1) / s + 1
windows, rounded down. `same` gives n / s rounded up, as TensorFlow defines it: the padding is
(windows - 1) s + d (f - 1) + 1 - n in all, and where that is odd the greater part comes after.
"""

from dataclasses import dataclass

from pellucid.networks.arguments import Extent, Padding, written
from pellucid.networks.place import MisfitError
from pellucid.networks.word import PLACES, Word, refusal
from pellucid.shapes import Image, Sequence, Shape


@dataclass(frozen=True)
class Axis:
    """One axis of a window's journey; `length` and `windows` are None where the length is free."""

    length: int | None
    kernel: int
    stride: int
    dilation: int
    before: int
    after: int

    @property
    def windows(self) -> int | None:
        """How many windows fit: the output's length."""
        if self.length is None:
            return None
        return (self.length + self.before + self.after - self.reach) // self.stride + 1

    @property
    def reach(self) -> int:
        """Places from a window's first to its last, d (f - 1) + 1."""
        return self.dilation * (self.kernel - 1) + 1


@dataclass(frozen=True)
class Window:
    """A window on every axis of an image or a sequence."""

    axes: tuple[Axis, ...]

    @property
    def kernel(self) -> tuple[int, ...]:
        """The window's sides."""
        return tuple(axis.kernel for axis in self.axes)

    @property
    def stride(self) -> tuple[int, ...]:
        """Its steps."""
        return tuple(axis.stride for axis in self.axes)

    @property
    def dilation(self) -> tuple[int, ...]:
        """The spacing of its places."""
        return tuple(axis.dilation for axis in self.axes)

    @property
    def before(self) -> tuple[int, ...]:
        """The padding in front of each axis."""
        return tuple(axis.before for axis in self.axes)

    @property
    def symmetric(self) -> bool:
        """Whether both ends of every axis are padded alike."""
        return all(axis.before == axis.after for axis in self.axes)

    def pads(self) -> tuple[int, ...]:
        """Return the padding as torch's padding layers want it: the last axis first, before and after."""
        return tuple(pad for axis in reversed(self.axes) for pad in (axis.before, axis.after))

    def output(self, incoming: Image | Sequence, channels: int) -> Image | Sequence:
        """Return the shape of `channels` maps of windows."""
        if isinstance(incoming, Image):
            height, width = (axis.windows or 0 for axis in self.axes)
            return Image(height, width, channels)
        return Sequence(channels, self.axes[0].windows)


def slide(
    word: Word, incoming: Shape, kernel: Extent, stride: Extent = 1, padding: Padding = 0, dilation: Extent = 1
) -> tuple[Image | Sequence, Window]:
    """Return the input, now known to have places, and the window on it.

    Raises:
        MisfitError: the input has no places, the kernel has other axes than it, or is larger.
    """
    if not isinstance(incoming, Image | Sequence):
        raise refusal(word, incoming, PLACES)
    lengths = places_of(incoming)
    kernels, strides, dilations = (
        for_axes(word, name, value, len(lengths))
        for name, value in (("kernel", kernel), ("stride", stride), ("dilation", dilation))
    )
    pads: tuple[int | None, ...]
    pads = (None,) * len(lengths) if isinstance(padding, str) else for_axes(word, "padding", padding, len(lengths))
    axes = tuple(
        _axis(word, n, k, s, p, d) for n, k, s, p, d in zip(lengths, kernels, strides, pads, dilations, strict=True)
    )
    window = Window(axes)
    _refuse_larger(word, incoming, window)
    return incoming, window


def places_of(shape: Image | Sequence) -> tuple[int | None, ...]:
    """Return the lengths of the axes a window slides along."""
    return (shape.height, shape.width) if isinstance(shape, Image) else (shape.length,)


def for_axes(word: Word, name: str, value: Extent, axes: int) -> tuple[int, ...]:
    """Return one number for each axis.

    Raises:
        MisfitError: two numbers for a sequence, which has one axis.
    """
    if isinstance(value, int):
        return (value,) * axes
    if len(value) != axes:
        raise MisfitError(
            f"a sequence has one axis, the {name} of {word.name} has two",
            expected=f"{name}={value[0]}",
            received=written(value),
        )
    return value


def _axis(word: Word, length: int | None, kernel: int, stride: int, padding: int | None, dilation: int) -> Axis:
    if padding is not None:
        return Axis(length, kernel, stride, dilation, padding, padding)
    reach = dilation * (kernel - 1) + 1
    if length is None:
        if stride > 1:
            raise MisfitError(
                f"padding=same with a stride depends on the length, which is free before this {word.name}",
                expected="a fixed length such as T=24 x 8, or a number for the padding",
                received=str(word),
            )
        total = reach - 1
    else:
        windows = -(-length // stride)
        total = max((windows - 1) * stride + reach - length, 0)
    return Axis(length, kernel, stride, dilation, total // 2, total - total // 2)


def _refuse_larger(word: Word, incoming: Image | Sequence, window: Window) -> None:
    rooms = [None if axis.length is None else axis.length + axis.before + axis.after for axis in window.axes]
    if all(room is None or axis.reach <= room for axis, room in zip(window.axes, rooms, strict=True)):
        return
    what = "image" if isinstance(incoming, Image) else "sequence"
    dilated = any(axis.dilation > 1 for axis in window.axes)
    padded = any(axis.before or axis.after for axis in window.axes)
    room = written(tuple(rooms)) + " with the padding" * padded
    reach = written(tuple(axis.reach for axis in window.axes)) + " with the dilation" * dilated
    raise MisfitError(
        f"the kernel of {word.name} is larger than the {what}",
        expected=f"a kernel of at most {room}",
        received=f"{reach} on {incoming}",
        advice="shrink the kernel, pad (padding=same keeps the size), or pool less before",
    )
