"""A copy of a network in which no gradient can vanish or cancel: its connections, and nothing of what it has learned.

What hides a place from a gradient is taken out: maxima pass it to one place of a window (means pass it to all),
rectifiers stop it and squashing functions starve it (the identity does neither), and weights of both signs let two ways
cancel (positive ones never do). Non-linearities work number by number, and a mean has the window of a maximum; so each
unit of the copy depends on the very places on which it depends in the network.
"""

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from pellucid.seed import generator

_IDENTITIES = {
    *("celu", "clamp", "elu", "erf", "gelu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu"),
    *("logsigmoid", "mish", "prelu", "relu", "relu6", "rrelu", "selu", "sigmoid", "silu", "softplus", "softshrink"),
    *("softsign", "tanh", "tanhshrink", "threshold"),
}
_POOLS: dict[str, tuple[int, Callable[..., Tensor]]] = {
    "max_pool1d": (1, F.conv1d),
    "max_pool2d": (2, F.conv2d),
    "max_pool3d": (3, F.conv3d),
}
_ADAPTIVE: dict[str, Callable[..., Tensor]] = {
    "adaptive_max_pool1d": F.adaptive_avg_pool1d,
    "adaptive_max_pool2d": F.adaptive_avg_pool2d,
    "adaptive_max_pool3d": F.adaptive_avg_pool3d,
}


class Linearised(TorchFunctionMode):
    """While entered, activations give what they are given, and maxima of windows are means."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        del types  # all tensors are meant
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "").lstrip("_").removesuffix("_with_indices").removesuffix("_")
        if name in _IDENTITIES and args and isinstance(args[0], Tensor):
            return args[0]
        if name in _POOLS:
            return _mean_pool(func, *_POOLS[name], args, kwargs)
        if name in _ADAPTIVE:
            kwargs.pop("return_indices", None)
            return _ADAPTIVE[name](*args[:2], **kwargs)
        return func(*args, **kwargs)


def positive_copy(model: nn.Module, seed: int = 0) -> nn.Module:
    """Return a copy of a network in float64 and evaluation mode, with positive weights that keep sums as large."""
    network = copy.deepcopy(model).double().eval()
    draw = generator(seed, "positive weights")
    with torch.no_grad():
        for weight in network.parameters():
            fan_in = max(1, weight.numel() // weight.shape[0]) if weight.ndim > 1 else 1
            uniform = torch.rand(weight.shape, generator=draw, dtype=torch.float64) + 0.5
            weight.copy_(uniform / fan_in)
        for name, buffer in network.named_buffers():
            if name.rpartition(".")[2] in {"running_mean", "running_var"}:
                buffer.fill_(float(name.endswith("var")))
    return network


def _mean_pool(
    pool: Any, axes: int, convolve: Callable[..., Tensor], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Return the mean of each window of a pooling; of its places outside the input, zeros."""
    names = ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
    given = dict(zip(names, args, strict=False)) | kwargs
    indices = given.pop("return_indices", False)
    with torch.no_grad():
        maxima = pool(**given)
    maxima = maxima[0] if isinstance(maxima, tuple) else maxima
    x: Tensor = given["input"]
    batched = x if x.ndim == axes + 2 else x.unsqueeze(0)
    kernel = _each(given["kernel_size"], axes)
    stride = _each(given.get("stride") or kernel, axes)
    padding, dilation = (_each(given.get(name, default), axes) for name, default in (("padding", 0), ("dilation", 1)))
    pads: list[int] = []
    for axis in reversed(range(axes)):
        reach = (maxima.shape[axis - axes] - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1
        pads += [padding[axis], reach - x.shape[axis - axes] - padding[axis]]
    channels = batched.shape[1]
    window = torch.full((channels, 1, *kernel), 1 / math.prod(kernel), dtype=x.dtype, device=x.device)
    means = convolve(F.pad(batched, pads), window, stride=stride, dilation=dilation, groups=channels)
    means = means.view_as(maxima)
    return (means, torch.zeros_like(means, dtype=torch.int64)) if indices else means


def _each(value: Any, axes: int) -> tuple[int, ...]:
    return (value,) * axes if isinstance(value, int) else tuple(value)
