"""The written formulas of functions that are layers: convolution, pooling, padding, dropout, interpolation."""

# ruff: noqa: ARG001, PLR0913, PLR0917 - rules have the arguments of what they describe

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional as F

from pellucid.explain.derivation.dense import Embedding, Linear
from pellucid.explain.derivation.layers import for_axes, pad_widths, resized
from pellucid.explain.derivation.normalisation import LocalResponse
from pellucid.explain.derivation.operation import Call, Value
from pellucid.explain.derivation.rearranging import Padding, Reshaping
from pellucid.explain.derivation.rules import Rules
from pellucid.explain.derivation.transposed import TransposedConvolution
from pellucid.explain.derivation.windows import AveragePooling, Convolution, MaxPooling, Windows, pooling_windows

LAYER_RULES = Rules()
_rule = LAYER_RULES.of


@_rule(F.linear)
def _(result: Any, input: Value, weight: Value, bias: Value | None = None) -> Call:
    own = (weight,) if bias is None else (weight, bias)
    return Call(Linear(has_bias=bias is not None), (input, *own))


@_rule(F.embedding)
def _(result: Any, input: Value, weight: Value, padding_idx: int | None = None) -> Call:
    return Call(Embedding(padding_idx), (input, weight))


def _convolution(axes: int, *targets: Any) -> None:
    @_rule(*targets)
    def _(
        result: Any, input: Value, weight: Value, bias: Value | None = None,
        stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1,
    ) -> Call | None:  # fmt: skip
        if input.array.ndim != 2 + axes or isinstance(padding, str):
            return None
        steps, around, apart = (for_axes(each, axes) for each in (stride, padding, dilation))
        windows = Windows(weight.array.shape[2:], steps, around, around, apart)
        own = (weight,) if bias is None else (weight, bias)
        return Call(Convolution(windows, groups, has_bias=bias is not None), (input, *own))


_convolution(1, torch.conv1d, F.conv1d)
_convolution(2, torch.conv2d, F.conv2d)


def _pooling(axes: int, largest: Sequence[Any], mean: Sequence[Any]) -> None:
    @_rule(*largest)
    def _(
        result: Any, input: Value, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
        ceil_mode: bool = False, return_indices: bool = False,
    ) -> Call | None:  # fmt: skip
        if input.array.ndim != 2 + axes or return_indices:
            return None
        steps = stride or kernel_size
        shape = [for_axes(each, axes) for each in (kernel_size, steps, padding, dilation)]
        kernel, step, around, apart = shape
        return Call(
            MaxPooling(pooling_windows(input.array.shape[2:], kernel, step, around, apart, ceil=ceil_mode)), (input,)
        )

    @_rule(*mean)
    def _(
        result: Any, input: Value, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: int | None = None,
    ) -> Call | None:  # fmt: skip
        if input.array.ndim != 2 + axes:
            return None
        kernel, step, around = (for_axes(each, axes) for each in (kernel_size, stride or kernel_size, padding))
        windows = pooling_windows(input.array.shape[2:], kernel, step, around, (1,) * axes, ceil=ceil_mode)
        counted = around if count_include_pad else (0,) * axes
        return Call(AveragePooling(windows, counted, divisor_override), (input,))


_pooling(1, (torch.max_pool1d, F.max_pool1d), (torch.avg_pool1d, F.avg_pool1d))
_pooling(2, (torch.max_pool2d, F.max_pool2d), (F.avg_pool2d,))


@_rule(F.pad)
def _(result: Any, input: Value, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Call | None:
    if mode != "constant":
        return None
    return Call(Padding(pad_widths(tuple(pad), input.array.ndim), value or 0.0), (input,))


@_rule(F.dropout, torch.dropout, F.dropout2d)
def _(result: Any, input: Value, p: float = 0.5, training: bool = True, inplace: bool = False) -> Call | None:
    return None if training and p else Call(Reshaping("dropout at rest"), (input,))


def _transposed(axes: int, *targets: Any) -> None:
    @_rule(*targets)
    def _(
        result: Any, input: Value, weight: Value, bias: Value | None = None, stride: Any = 1, padding: Any = 0,
        output_padding: Any = 0, groups: int = 1, dilation: Any = 1,
    ) -> Call | None:  # fmt: skip
        if input.array.ndim != 2 + axes:
            return None
        steps, around, apart = (for_axes(each, axes) for each in (stride, padding, dilation))
        windows = Windows(weight.array.shape[2:], steps, around, around, apart)
        own = (weight,) if bias is None else (weight, bias)
        return Call(TransposedConvolution(windows, result.shape[2:], groups, has_bias=bias is not None), (input, *own))


_transposed(1, torch.conv_transpose1d, F.conv_transpose1d)
_transposed(2, torch.conv_transpose2d, F.conv_transpose2d)


@_rule(F.local_response_norm)
def _(result: Any, input: Value, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Call:
    return Call(LocalResponse(size, alpha, beta, k), (input,))


@_rule(F.interpolate)
def _(
    result: Any, input: Value, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
    align_corners: bool | None = None, recompute_scale_factor: bool | None = None, antialias: bool = False,
) -> Call | None:  # fmt: skip
    factors = None if recompute_scale_factor else scale_factor
    return resized(input, result.shape[2:], factors, mode, is_aligned=bool(align_corners), is_smoothed=antialias)
