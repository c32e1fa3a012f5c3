"""The written formula of each kind of layer, registered on torch's class. What is not here is left to autograd."""

# ruff: noqa: ARG001 - every layer's rule has the same signature

from functools import singledispatch
from typing import Any

from torch import nn
from torch.nn.modules import activation, batchnorm, conv, dropout, padding, pooling

from pellucid.blocks import PaddedOutputs
from pellucid.explain.derivation import elementwise as curves
from pellucid.explain.derivation.dense import Embedding, Linear
from pellucid.explain.derivation.elementwise import Elementwise, PReLU
from pellucid.explain.derivation.normalisation import FixedNormalisation, LocalResponse, Normalisation, Softmax
from pellucid.explain.derivation.operation import Call, Own, Value
from pellucid.explain.derivation.rearranging import Padding, Reshaping
from pellucid.explain.derivation.recurrence import Cell, Gru, Lstm, Plain, Recurrence
from pellucid.explain.derivation.resampling import Resampling, linear, nearest, smoothed
from pellucid.explain.derivation.transposed import TransposedConvolution
from pellucid.explain.derivation.windows import (
    AdaptivePooling,
    AveragePooling,
    Convolution,
    MaxPooling,
    Windows,
    pooling_windows,
)


def call_of_layer(layer: nn.Module, x: Value) -> Call | None:
    """Return a layer's operation on one tensor; None where there is no formula for what it does.

    A subclass with a forward pass of its own, a layer with hooks and one whose weights are computed (a
    parametrisation) may do more than their class says.
    """
    owner = type(layer).forward.__module__
    is_plain = (owner.startswith("torch.nn.modules.") or type(layer) is PaddedOutputs) and "forward" not in vars(layer)
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    if not is_plain or hasattr(layer, "parametrizations") or any(vars(layer)[name] for name in hooks):
        return None
    return written(layer, x)


def is_written(layer: nn.Module) -> bool:
    """Say whether there is a rule for layers of this class."""
    return written.dispatch(type(layer)) is not written.dispatch(object)


@singledispatch
def written(layer: Any, x: Value) -> Call | None:
    """Return a layer's operation and what it reads."""
    return None


@written.register
def _(layer: nn.Linear, x: Value) -> Call:
    own = (Own("weight"),) if layer.bias is None else (Own("weight"), Own("bias"))
    return Call(Linear(has_bias=layer.bias is not None), (x, *own))


@written.register
def _(layer: nn.Embedding, x: Value) -> Call | None:
    if layer.max_norm is not None or layer.scale_grad_by_freq:
        return None
    return Call(Embedding(layer.padding_idx), (x, Own("weight")))


_FIXED_CURVES = {
    nn.ReLU: curves.RELU, nn.Sigmoid: curves.SIGMOID, nn.Tanh: curves.TANH, nn.SiLU: curves.SILU,
    nn.Mish: curves.MISH, nn.SELU: curves.SELU, nn.Identity: curves.IDENTITY,
}  # fmt: skip


@written.register(nn.ReLU)
@written.register(nn.Sigmoid)
@written.register(nn.Tanh)
@written.register(nn.SiLU)
@written.register(nn.Mish)
@written.register(nn.SELU)
@written.register(nn.Identity)
def _(layer: nn.Module, x: Value) -> Call:
    curve = next(curve for kind, curve in _FIXED_CURVES.items() if isinstance(layer, kind))
    return Call(Elementwise(curve), (x,))


@written.register
def _(layer: nn.LeakyReLU, x: Value) -> Call:
    return Call(Elementwise(curves.leaky(layer.negative_slope)), (x,))


@written.register
def _(layer: nn.ELU, x: Value) -> Call:
    return Call(Elementwise(curves.elu(layer.alpha)), (x,))


@written.register
def _(layer: nn.Hardtanh, x: Value) -> Call:  # ReLU6 is one
    return Call(Elementwise(curves.clipped(layer.min_val, layer.max_val)), (x,))


@written.register
def _(layer: nn.GELU, x: Value) -> Call | None:
    return Call(Elementwise(curves.GELU), (x,)) if layer.approximate == "none" else None


@written.register
def _(layer: nn.Softplus, x: Value) -> Call | None:
    # beyond the threshold torch takes z itself, which differs by exp(-20)
    return Call(Elementwise(curves.SOFTPLUS), (x,)) if layer.beta == 1 else None


@written.register
def _(layer: nn.PReLU, x: Value) -> Call:
    return Call(PReLU(), (x, Own("weight")))


@written.register(activation.Softmax)
@written.register(activation.LogSoftmax)
def _(layer: nn.Softmax | nn.LogSoftmax, x: Value) -> Call | None:
    if layer.dim is None:
        return None
    return Call(Softmax(layer.dim, is_log=isinstance(layer, nn.LogSoftmax)), (x,))


@written.register
def _(layer: nn.Flatten, x: Value) -> Call:
    first, last = (axis % x.array.ndim for axis in (layer.start_dim, layer.end_dim))
    shape = x.array.shape
    flat = x.array.reshape(*shape[:first], -1, *shape[last + 1 :])
    return Call(Reshaping("flattening", flat.shape), (x,))


@written.register
def _(layer: nn.Unflatten, x: Value) -> Call:
    axis, shape = layer.dim % x.array.ndim, x.array.shape
    parted = x.array.reshape(*shape[:axis], *layer.unflattened_size, *shape[axis + 1 :])
    return Call(Reshaping("unflattening", parted.shape), (x,))


@written.register
def _(layer: dropout._DropoutNd, x: Value) -> Call | None:
    return None if layer.training and layer.p else Call(Reshaping("dropout at rest"), (x,))


@written.register
def _(layer: conv._ConvNd, x: Value) -> Call | None:
    axes = len(layer.kernel_size)
    if layer.transposed or layer.padding_mode != "zeros" or x.array.ndim != 2 + axes:
        return None
    pads = layer._reversed_padding_repeated_twice  # noqa: SLF001 (what `padding="same"` comes to stands nowhere else)
    before, after = tuple(pads[-2::-2]), tuple(pads[::-2])
    windows = Windows(layer.kernel_size, layer.stride, before, after, layer.dilation)
    own = (Own("weight"),) if layer.bias is None else (Own("weight"), Own("bias"))
    return Call(Convolution(windows, layer.groups, has_bias=layer.bias is not None), (x, *own))


@written.register
def _(layer: conv._ConvTransposeNd, x: Value) -> Call | None:
    axes = len(layer.kernel_size)
    if layer.padding_mode != "zeros" or x.array.ndim != 2 + axes:
        return None
    own = (Own("weight"),) if layer.bias is None else (Own("weight"), Own("bias"))
    assert not isinstance(layer.padding, str)  # torch has none for transposed convolutions
    windows = Windows(layer.kernel_size, layer.stride, layer.padding, layer.padding, layer.dilation)
    places = windows.laid(x.array.shape[2:], layer.output_padding)
    return Call(TransposedConvolution(windows, places, layer.groups, has_bias=layer.bias is not None), (x, *own))


def for_axes(value: Any, axes: int) -> tuple[Any, ...]:
    """Return one number for each axis."""
    return (value,) * axes if isinstance(value, int | float) else tuple(value) * (axes if len(value) == 1 else 1)


@written.register
def _(layer: pooling._MaxPoolNd, x: Value) -> Call | None:
    axes = x.array.ndim - 2
    if layer.return_indices or axes != int(type(layer).__name__[-2]):
        return None
    shape = [for_axes(each, axes) for each in (layer.kernel_size, layer.stride, layer.padding, layer.dilation)]
    kernel, stride, around, dilation = shape
    windows = pooling_windows(x.array.shape[2:], kernel, stride, around, dilation, ceil=layer.ceil_mode)
    return Call(MaxPooling(windows), (x,))


@written.register
def _(layer: pooling._AvgPoolNd, x: Value) -> Call | None:
    axes = x.array.ndim - 2
    if axes != int(type(layer).__name__[-2]):
        return None
    kernel, stride, around = (for_axes(each, axes) for each in (layer.kernel_size, layer.stride, layer.padding))
    windows = pooling_windows(x.array.shape[2:], kernel, stride, around, (1,) * axes, ceil=bool(layer.ceil_mode))
    counted = around if layer.count_include_pad else (0,) * axes
    return Call(AveragePooling(windows, counted, getattr(layer, "divisor_override", None)), (x,))


@written.register
def _(layer: pooling._AdaptiveAvgPoolNd, x: Value) -> Call | None:
    axes = int(type(layer).__name__[-2])
    asked = for_axes(layer.output_size, axes)
    places = x.array.shape[-axes:]
    return Call(AdaptivePooling(tuple(n if m is None else m for n, m in zip(places, asked, strict=True))), (x,))


@written.register
def _(layer: padding._ConstantPadNd, x: Value) -> Call:
    return Call(Padding(pad_widths(tuple(layer.padding), x.array.ndim), layer.value), (x,))


def pad_widths(flat: tuple[int, ...], dimensions: int) -> list[tuple[int, int]]:
    """Return the widths of each dimension, first to last, of torch's (last before, last after, ...)."""
    pairs = list(zip(flat[::2], flat[1::2], strict=True))[::-1]
    return [(0, 0)] * (dimensions - len(pairs)) + pairs


@written.register
def _(layer: batchnorm._BatchNorm, x: Value) -> Call:
    affine = (Own("weight"), Own("bias")) if layer.affine else ()
    if layer.training or layer.running_mean is None:
        return Call(Normalisation("batch normalisation", layer.eps, None, is_affine=layer.affine), (x, *affine))
    running = Own("running_mean"), Own("running_var")
    return Call(FixedNormalisation(layer.eps, is_affine=layer.affine), (x, *running, *affine))


@written.register
def _(layer: nn.LayerNorm, x: Value) -> Call | None:
    if (layer.weight is None) != (layer.bias is None):
        return None
    leading = x.array.ndim - len(layer.normalized_shape)
    affine = () if layer.weight is None else (Own("weight"), Own("bias"))
    return Call(Normalisation("layer normalisation", layer.eps, leading, is_affine=bool(affine)), (x, *affine))


@written.register
def _(layer: nn.LocalResponseNorm, x: Value) -> Call:
    return Call(LocalResponse(layer.size, layer.alpha, layer.beta, layer.k), (x,))


@written.register
def _(layer: nn.Upsample, x: Value) -> Call | None:
    factors = None if layer.recompute_scale_factor else layer.scale_factor
    size: Any = layer.size
    axes = x.array.ndim - 2
    if size is None:
        size = [int(n * f) for n, f in zip(x.array.shape[2:], for_axes(layer.scale_factor, axes), strict=True)]
    return resized(x, for_axes(size, axes), factors, layer.mode, is_aligned=bool(layer.align_corners))


def resized(
    x: Value, size: tuple[int, ...], factors: Any, mode: str, *, is_aligned: bool, is_smoothed: bool = False
) -> Call | None:
    """Return a change of size; None for the ways that have no formula."""
    places = x.array.shape[2:]
    asked = (None,) * len(places) if factors is None else for_axes(factors, len(places))
    axes = list(zip(places, size, asked, strict=True))
    if mode == "nearest":
        if any(f is not None and m in {n, 2 * n} and m != n * f for n, m, f in axes):
            return None  # torch's gradient then goes by other places than its output does
        return Call(Resampling("nearest neighbours", [nearest(*each) for each in axes]), (x,))
    if mode not in {"linear", "bilinear", "trilinear"}:
        return None
    if is_smoothed:
        if is_aligned or factors is not None:
            return None
        return Call(Resampling(f"{mode} interpolation of what is smoothed", [smoothed(n, m) for n, m, _ in axes]), (x,))
    return Call(Resampling(f"{mode} interpolation", [linear(*each, aligned=is_aligned) for each in axes]), (x,))


@written.register
def _(layer: PaddedOutputs, x: Value) -> Call | None:
    return recurrence(layer.layer, x, inside="layer.")


@written.register
def _(layer: nn.RNNBase, x: Value) -> Call | None:
    return recurrence(layer, x)


def recurrence(layer: nn.RNNBase, x: Value, inside: str = "") -> Call | None:
    """Return a recurrent layer's operation.

    Args:
        layer: the layer.
        x: what it reads.
        inside: what stands before its parameters' names in a block for padded sequences.
    """
    if x.array.ndim != 3 or getattr(layer, "proj_size", 0) or (layer.dropout and layer.training):
        return None
    cells: dict[str, Cell] = {
        "RNN_TANH": Plain(is_relu=False), "RNN_RELU": Plain(is_relu=True), "LSTM": Lstm(), "GRU": Gru(),
    }  # fmt: skip
    ways = 2 if layer.bidirectional else 1
    operation = Recurrence(
        cells[layer.mode],
        layer.num_layers,
        ways,
        has_bias=layer.bias,
        is_batch_first=layer.batch_first,
        is_padded=bool(inside),
    )
    kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")[: 4 if layer.bias else 2]
    suffixes = [f"_l{number}{'_reverse' * way}" for number in range(layer.num_layers) for way in range(ways)]
    return Call(operation, (x, *(Own(inside + kind + suffix) for suffix in suffixes for kind in kinds)))
