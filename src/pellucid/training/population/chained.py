"""K networks of one make computed layer by layer, the members side by side in every tensor.

Most of what networks are made of needs no more than that: a product with K matrices, a function of each number, a layer
without weights to which K batches are one long one. `vmap` can compute all of it too, but works out anew at every step
how; for small networks that takes longer than the numbers do. Layers without a form here are left to it, one by one.

Shape letters: K members, B samples, F features; C channels, H height and W width of images; O channels given.
"""

from collections.abc import Mapping
from functools import reduce, singledispatch
from operator import add
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from pellucid.blocks import Add, Outputs
from pellucid.training.population.stacked import Masked, Noisy, Products, Scanned, Weighed

Tensors = Mapping[str, Tensor]
_IMAGES = 5
"""Axes of K batches of images: K, B, C, H, W."""


@singledispatch
def together(layer: nn.Module, tensors: Tensors, x_KB: Tensor) -> Any:
    """Return what a layer gives for K batches with K members' tensors, (K, B, ...).

    Args:
        layer: in the form that `stacked` gives it; its own tensors are not looked at.
        tensors: name -> the members' parameters, buffers and drawn numbers, (K, ...).
        x_KB: a batch for each member.
    """
    if not tensors and _is_by_sample(layer):
        outputs: Tensor = layer(x_KB.flatten(0, 1))
        return outputs.unflatten(0, x_KB.shape[:2])
    return _mapped(layer, tensors, x_KB)


def _mapped(layer: nn.Module, tensors: Tensors, x_KB: Tensor) -> Any:
    def one(own: Tensors, x_B: Tensor) -> Any:
        return functional_call(layer, dict(own), (x_B,))

    return vmap(one)(dict(tensors), x_KB)


def _is_by_sample(layer: nn.Module) -> bool:
    """Say whether a layer without tensors takes each sample by itself, so that K batches are one long batch to it.

    torch's do, and those of the notation; what a user's own does is not known.
    """
    is_known = type(layer).__module__.startswith(("torch.nn.", "pellucid.blocks."))
    return is_known and not any(layer.children()) and not isinstance(layer, _BatchNorm)


@together.register
def _(layer: nn.Sequential, tensors: Tensors, x_KB: Tensor) -> Any:
    if type(layer).forward is not nn.Sequential.forward:
        return _mapped(layer, tensors, x_KB)
    for name, inner in layer.named_children():
        x_KB = together(inner, _of(tensors, name), x_KB)
    return x_KB


@together.register
def _(layer: Weighed, tensors: Tensors, x_KB: Tensor) -> Tensor:  # noqa: ARG001 (every form is given it)
    product: Tensor = Products.apply(x_KB.flatten(1, -2), tensors["weight"], tensors["bias"])  # type: ignore[no-untyped-call]
    return product.view(*x_KB.shape[:-1], -1)


@together.register
def _(layer: Masked, tensors: Tensors, x_KB: Tensor) -> Tensor:
    return x_KB * tensors["drawn"] if layer.training else x_KB


@together.register
def _(layer: Noisy, tensors: Tensors, x_KB: Tensor) -> Tensor:
    return x_KB + tensors["drawn"] if layer.training else x_KB


@together.register
def _(layer: Outputs, tensors: Tensors, x_KB: Tensor) -> Tensor:
    return cast("Scanned", layer.layer).scanned(_of(tensors, "layer"), x_KB)


@together.register(nn.ReLU)
@together.register(nn.Tanh)
@together.register(nn.Sigmoid)
def _(layer: nn.Module, tensors: Tensors, x_KB: Tensor) -> Tensor:  # noqa: ARG001
    outputs: Tensor = layer(x_KB)
    return outputs


@together.register
def _(layer: nn.Conv2d, tensors: Tensors, x_KB: Tensor) -> Any:
    if type(layer) is not nn.Conv2d or layer.padding_mode != "zeros" or x_KB.ndim != _IMAGES:
        return _mapped(layer, tensors, x_KB)
    members = len(x_KB)
    bias_KO = tensors.get("bias")
    maps_BKOHW = F.conv2d(
        abreast(x_KB), tensors["weight"].flatten(0, 1), None if bias_KO is None else bias_KO.flatten(),
        layer.stride, layer.padding, layer.dilation, members * layer.groups,
    )  # fmt: skip
    return apart(maps_BKOHW, members)


@together.register(nn.MaxPool2d)
@together.register(nn.AvgPool2d)
@together.register(nn.AdaptiveAvgPool2d)
@together.register(nn.AdaptiveMaxPool2d)
def _(layer: nn.Module, tensors: Tensors, x_KB: Tensor) -> Any:
    if not type(layer).__module__.startswith("torch.nn.") or x_KB.ndim != _IMAGES:
        return _mapped(layer, tensors, x_KB)
    return apart(layer(abreast(x_KB)), len(x_KB))


@together.register
def _(layer: nn.BatchNorm2d, tensors: Tensors, x_KB: Tensor) -> Any:
    if type(layer) is not nn.BatchNorm2d or x_KB.ndim != _IMAGES:
        return _mapped(layer, tensors, x_KB)
    if layer.training and layer.track_running_stats:
        tensors["num_batches_tracked"].add_(1)
    flat = {name: tensor.flatten() for name, tensor in tensors.items()}  # views, whose running statistics are written
    normal_BCHW = F.batch_norm(
        abreast(x_KB), flat.get("running_mean"), flat.get("running_var"), flat.get("weight"), flat.get("bias"),
        layer.training or not layer.track_running_stats, layer.momentum or 0.0, layer.eps,
    )  # fmt: skip
    return apart(normal_BCHW, len(x_KB))


@together.register
def _(layer: Add, tensors: Tensors, x_KB: Tensor) -> Any:
    return reduce(add, (together(branch, _of(tensors, name), x_KB) for name, branch in layer.named_children()))


def abreast(x_KBCHW: Tensor) -> Tensor:
    """Return K batches of images as one, the channels of all members side by side, (B, K C, H, W).

    On a CPU those of a pixel lie side by side in memory, too, where torch's kernels are faster.
    """
    images_BCHW = x_KBCHW.transpose(0, 1).flatten(1, 2)
    on_cpu = images_BCHW.device.type == "cpu"
    return images_BCHW.contiguous(memory_format=torch.channels_last) if on_cpu else images_BCHW


def apart(images_BCHW: Tensor, members: int) -> Tensor:
    """Return what `abreast` made one as K batches, (K, B, C, H, W), a view."""
    each_BKCHW: Tensor = images_BCHW.unflatten(1, (members, -1))
    return each_BKCHW.transpose(0, 1)


def _of(tensors: Tensors, name: str) -> dict[str, Tensor]:
    """Return an inner layer's tensors, under their names in it."""
    prefix = f"{name}."
    return {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}
