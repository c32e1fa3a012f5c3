"""K networks of one make computed layer by layer, the members side by side in every tensor.

Most of what networks are made of needs no more than that: a product with K matrices, a function of each number, a layer
without weights to which K batches are one long one. `vmap` can compute all of it too, but works out anew at every step
how; for small networks that takes longer than the numbers do. Layers without a form here are left to it, one by one.

Shape letters: K members, B samples, F features.
"""

from collections.abc import Mapping
from functools import singledispatch
from typing import Any, cast

from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.modules.batchnorm import _BatchNorm

from pellucid.blocks import Outputs
from pellucid.training.population.stacked import Masked, Noisy, Products, Scanned, Weighed

Tensors = Mapping[str, Tensor]


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


def _of(tensors: Tensors, name: str) -> dict[str, Tensor]:
    """Return an inner layer's tensors, under their names in it."""
    prefix = f"{name}."
    return {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}
