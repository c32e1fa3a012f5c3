"""Which places of the input each number of a tensor depends on, while it flows through a network.

Along one axis of the input, unit i of a tensor sees the places from a + i j to a + i j + r - 1: start a, jump j and
size r. A window of kernel k, stride s, dilation d and padding p makes of these a - p j, j s and r + (k - 1) d j
(Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeAlias

import torch
from torch import Tensor

from pellucid.networks.field import WHOLE, Field

Factor: TypeAlias = tuple[int | None, int]
"""An axis of the input, or None where a dimension is none (channels, features), and how many units there are."""

Factors: TypeAlias = tuple[Factor, ...]
"""What a dimension of a tensor is made of: of a flattened image, channels, rows and columns."""


@dataclass(frozen=True, slots=True)
class Span:
    """What the units along an axis see of it.

    Attributes:
        length: places along the axis.
        start, size, jump: in places; a unit may see into the padding.
        open: whether it is not known yet if this is an axis of places or of features.
    """

    length: int
    start: Fraction = Fraction(0)
    size: Fraction = Fraction(1)
    jump: Fraction = Fraction(1)
    open: bool = False

    @property
    def whole(self) -> bool:
        """Whether every unit sees the whole axis."""
        return self.jump == 0 and self.start <= 0 and self.start + self.size >= self.length

    @property
    def untouched(self) -> bool:
        """Whether it is the input's own."""
        return self.start == 0 and self.size == 1 and self.jump == 1

    def window(self, kernel: int, stride: int | Fraction, dilation: int, before: int | Fraction) -> "Span":
        """Return what windows see."""
        size = self.size + (kernel - 1) * dilation * self.jump
        start = self.start - before * self.jump
        return replace(self, start=start, size=size, jump=self.jump * stride, open=False)

    def at(self, index: int) -> tuple[int, int]:
        """Return the first place that unit `index` sees and the one behind the last, within the input."""
        first = self.start + index * self.jump
        return max(0, math.floor(first)), min(self.length, math.ceil(first + self.size))

    def filled(self) -> "Span":
        """Return what a unit sees that is made of all units along the axis."""
        return Span(self.length, Fraction(0), Fraction(self.length), Fraction(0))

    def joined(self, other: "Span") -> "Span":
        """Return what a unit sees that is made of one of each."""
        if self.jump != other.jump:
            return self.filled()
        start, end = min(self.start, other.start), max(self.start + self.size, other.start + other.size)
        return replace(self, start=start, size=end - start, open=self.open and other.open)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the numbers of a tensor depend on.

    Attributes:
        spans: by axis of the input.
        dims: what each dimension of the tensor is made of.
    """

    spans: Mapping[int, Span]
    dims: tuple[Factors, ...]

    @property
    def order(self) -> list[int]:
        """The axes of the input that are axes of places, as far as that is known, in their order."""
        return sorted(axis for axis, span in self.spans.items() if not span.open) or sorted(self.spans)

    @property
    def field(self) -> Field:
        """The receptive field of one number."""
        spans = [self.spans[axis] for axis in self.order]
        if all(span.whole for span in spans):
            return WHOLE
        return Field(tuple(span.size for span in spans), tuple(span.jump for span in spans))

    @property
    def laid_out(self) -> bool:
        """Whether the units lie as the places do that they see: not all of them see everything, in some dimensions."""
        lying = {self.axis(dim) for dim in range(len(self.dims))}
        return self.field.size is not None and lying.issuperset(self.order)

    def axes(self, dims: Iterable[int]) -> set[int]:
        """Return the axes that run along some dimensions."""
        return {axis for dim in dims for axis, _ in self.dims[dim] if axis is not None}

    def mixed(self, dims: Iterable[int]) -> "Seen":
        """Return what is seen where all units along some dimensions have a part in each number."""
        where = [dim % len(self.dims) for dim in dims]
        axes = self.axes(where)
        kept = {axis: span for axis, span in self.spans.items() if axis not in axes}
        # an axis of the input that is mixed before anything slides over it is one of features
        full = {axis: self.spans[axis].filled() for axis in axes if not _features(self.spans[axis])}
        return Seen(kept | full, tuple(_plain(each) if dim in where else each for dim, each in enumerate(self.dims)))

    def slid(self, dim: int, size: int, windows: Span | None) -> "Seen":
        """Return what windows along a dimension see: there are `size` of them, and `windows` is their span."""
        axis = self.axis(dim)
        if axis is None or windows is None:
            return self.mixed([dim]).resized(dim, ((None, size),))
        return replace(self.resized(dim, ((axis, size),)), spans={**self.spans, axis: windows})

    def axis(self, dim: int) -> int | None:
        """Return the axis that a dimension is, or None where it is none or a mixture."""
        return self.dims[dim][0][0] if len(self.dims[dim]) == 1 else None

    def span(self, dim: int) -> Span | None:
        """Return the span of the axis that a dimension is."""
        axis = self.axis(dim)
        return None if axis is None else self.spans.get(axis)

    def resized(self, dim: int, factors: Factors) -> "Seen":
        """Return it with another dimension in the place of one."""
        return replace(self, dims=(*self.dims[:dim], factors, *self.dims[dim + 1 :]))


def of_input(x: Tensor, *, steps_first: bool = False) -> Seen:
    """Return what an input sees: itself.

    The axes are those behind batch and channels, (N, C, H, W); the steps of (N, T) ids and, with `steps_first`, of
    (N, T, F); of (N, A, B) otherwise either, until a layer mixes one of them.
    """
    ids, either = not x.is_floating_point(), x.ndim == 3 and not steps_first
    first, behind = (1, 2 if steps_first else x.ndim) if x.ndim == 3 or ids else (2, x.ndim)
    dims: list[Factors] = [((None, size),) for size in x.shape]
    spans = {}
    for axis, dim in enumerate(range(first, behind)):
        dims[dim] = ((axis, x.shape[dim]),)
        spans[axis] = Span(x.shape[dim], open=either)
    return Seen(spans, tuple(dims))


def anything(seen: Iterable[Seen], out: Tensor) -> Seen:
    """Return what a number sees that may depend on all of several tensors."""
    spans = {axis: span.filled() for each in seen for axis, span in each.spans.items()}
    return Seen(spans, tuple(((None, size),) for size in out.shape))


def joined(seen: Sequence[Seen], shape: torch.Size | Sequence[int]) -> Seen:
    """Return what the numbers see that are made element by element of several tensors, which broadcast to `shape`."""
    spans: dict[int, Span] = {}
    for each in seen:
        for axis, span in each.spans.items():
            spans[axis] = spans[axis].joined(span) if axis in spans else span
    dims: list[Factors] = []
    for place, size in enumerate(shape, start=-len(shape)):
        found = {each.dims[place] for each in seen if len(each.dims) >= -place and _count(each.dims[place]) == size}
        tracked = [one for one in found if any(axis is not None for axis, _ in one)]
        if len(tracked) > 1:  # other axes meet: what a unit sees is no longer one window
            spans |= {axis: spans[axis].filled() for one in tracked for axis, _ in one if axis in spans}
            tracked = []
        dims.append(tracked[0] if tracked else ((None, size),))
    return Seen(spans, tuple(dims))


def regrouped(seen: Seen, shape: Sequence[int]) -> Seen:
    """Return what a view of another shape sees: the same factors, divided anew among the dimensions."""
    left = [factor for dim in seen.dims for factor in dim if factor != (None, 1)]
    dims: list[Factors] = []
    spans = dict(seen.spans)
    for place, size in enumerate(shape):
        taken: list[Factor] = []
        while left and (_count(taken) * left[0][1] <= size) and (left[0][1] > 1 or _belongs(taken, shape, place)):
            taken.append(left.pop(0))
        missing = size // max(1, _count(taken))
        if missing > 1 and left:  # a part of the next one
            axis, count = left.pop(0)
            if axis is not None:
                spans[axis] = spans[axis].filled()
            taken.append((None, missing))
            if count % missing:
                return Seen({axis: span.filled() for axis, span in spans.items()},
                            tuple(((None, each),) for each in shape))  # fmt: skip
            left.insert(0, (None, count // missing))
        dims.append(tuple(taken) or ((None, size),))
    return Seen(spans, tuple(dims))


def _belongs(taken: list[Factor], shape: Sequence[int], place: int) -> bool:
    """Say whether an axis of one unit stays in this dimension: not where the next one is free for it."""
    return (not taken and shape[place] == 1) or place + 1 >= len(shape) or shape[place + 1] != 1


def _features(span: Span) -> bool:
    return span.open and span.untouched


def _plain(factors: Factors) -> Factors:
    return ((None, _count(factors)),)


def _count(factors: Iterable[Factor]) -> int:
    return math.prod(size for _, size in factors)
