"""Operations whose windows slide over places: convolution, pooling, enlargement, padding."""

from fractions import Fraction
from math import ceil
from typing import Any

from pellucid.explain.layers.dataflow.operation import Operation, Rule, by_name
from pellucid.explain.layers.dataflow.seen import Seen


def _convolution(do: Operation) -> Seen:
    weight, groups = do.args[1], do.argument(8, "groups", 1)
    axes = weight.ndim - 2
    stride, padding, dilation = (
        _each(do.argument(place, name, default), axes)
        for place, name, default in ((3, "stride", 1), (4, "padding", 0), (5, "dilation", 1))
    )
    seen = do.x if do.of(weight) is None else do.everything()
    if groups == 1 or weight.shape[1] > 1:
        seen = seen.mixed([1])
    seen = seen.resized(1, ((None, do.out.shape[1]),))
    for axis in range(axes):
        span = seen.span(axis + 2)
        kernel, step, spread, before = weight.shape[axis + 2], stride[axis], dilation[axis], padding[axis]
        if span is not None and do.argument(6, "transposed", default=False):
            reach = (kernel - 1) * spread
            span = span.window(reach // step + 1, Fraction(1, step), 1, Fraction(reach - before, step))
        elif span is not None:
            span = span.window(kernel, step, spread, before)
        seen = seen.slid(axis + 2, do.out.shape[axis + 2], span)
    return seen


def _pool(axes: int) -> Rule:
    def rule(do: Operation) -> Seen:
        kernel = _each(do.args[1], axes)
        stride = _each(do.argument(2, "stride", do.args[1]), axes)
        padding = _each(do.argument(3, "padding", 0), axes)
        spread = do.argument(4, "dilation", 1)  # of average pooling this is `ceil_mode`
        dilation = (1,) * axes if isinstance(spread, bool) else _each(spread, axes)
        seen, first = do.x, len(do.x.dims) - axes
        for axis in range(axes):
            span = seen.span(first + axis)
            if span is not None:
                span = span.window(kernel[axis], stride[axis], dilation[axis], padding[axis])
            seen = seen.slid(first + axis, do.out.shape[first + axis], span)
        return seen

    return rule


def _adaptive(do: Operation) -> Seen:
    """Window i of m over n places is from i n / m, rounded down, to (i + 1) n / m, rounded up."""
    seen = do.x
    for dim in range(2, do.out.ndim):
        n, m = do.args[0].shape[dim], do.out.shape[dim]
        span = seen.span(dim)
        if span is not None and m > 1:
            widest = max(ceil(Fraction((i + 1) * n, m)) - i * n // m for i in range(m))
            seen = seen.slid(dim, m, span.window(widest, Fraction(n, m), 1, 0))
        else:
            seen = seen.mixed([dim]).resized(dim, ((None, m),))
    return seen


def _enlarged(taps: int) -> Rule:
    def rule(do: Operation) -> Seen:
        seen = do.x
        for dim in range(2, do.out.ndim):
            factor = Fraction(do.out.shape[dim], do.args[0].shape[dim])
            wide = 1 if factor == 1 else max(taps, ceil(taps / factor)) if taps > 1 else 1
            span = seen.span(dim)
            before = Fraction(wide - 1) / 2 - (1 / factor - 1) / 2 if wide > 1 else 0
            span = None if span is None else span.window(wide, 1 / factor, 1, before)
            seen = seen.slid(dim, do.out.shape[dim], span)
        return seen

    return rule


def _padded(do: Operation) -> Seen:
    seen, pads = do.x, do.args[1]
    for number, before in enumerate(pads[::2]):
        dim = do.out.ndim - 1 - number
        span = seen.span(dim)
        if before or pads[2 * number + 1]:
            seen = seen.slid(dim, do.out.shape[dim], None if span is None else span.window(1, 1, 1, before))
    return seen


def _unfolded(do: Operation) -> Seen:
    _, dim, kernel, step = do.args
    dim %= do.args[0].ndim
    span = do.x.span(dim)
    seen = do.x.slid(dim, do.out.shape[dim], None if span is None else span.window(kernel, step, 1, 0))
    return Seen(seen.spans, (*seen.dims, ((None, kernel),)))


def _each(value: Any, axes: int) -> tuple[int, ...]:
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * axes if len(values) == 1 else values


RULES = by_name(
    {
        _convolution: "convolution",
        _pool(1): "avg_pool1d max_pool1d",
        _pool(2): "avg_pool2d max_pool2d_with_indices max_pool2d",
        _pool(3): "avg_pool3d max_pool3d_with_indices max_pool3d",
        _adaptive: "_adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_max_pool2d adaptive_max_pool3d",
        _enlarged(1): "upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact2d",
        _enlarged(2): "upsample_linear1d upsample_bilinear2d upsample_trilinear3d _upsample_bilinear2d_aa",
        _enlarged(4): "upsample_bicubic2d _upsample_bicubic2d_aa",
        _padded: "constant_pad_nd reflection_pad1d reflection_pad2d replication_pad1d replication_pad2d",
        _unfolded: "unfold",
    }
)
