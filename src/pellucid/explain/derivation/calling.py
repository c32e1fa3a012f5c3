"""The network called: a copy of it, with what it gives for the inputs, one tensor or several by name."""

import copy
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.modules import dropout

from pellucid.errors import DataError, OptionError
from pellucid.seed import seed_torch

Outputs: TypeAlias = Tensor | dict[str, Tensor]


def resting_copy(model: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Return a copy on the CPU in the type asked for.

    Raises:
        OptionError: dropout is active.
    """
    active = [
        name or type(each).__name__
        for name, each in model.named_modules()
        if isinstance(each, dropout._DropoutNd) and each.training and each.p  # noqa: SLF001 (has no other name)
    ]
    if active:
        raise OptionError(
            "a network that drops units at random has no one derivation", expected="a network without active dropout",
            received=f"{', '.join(active)} in training mode",
            advice="call model.eval(); to keep the batch statistics of batch normalisation, call .eval() on the"
            " dropout layers only",
        )  # fmt: skip
    return copy.deepcopy(model).cpu().to(dtype)


def outputs_of(model: nn.Module, inputs: tuple[Tensor, ...]) -> Outputs:
    """Return what a network gives.

    Raises:
        DataError: it cannot take the inputs, or gives neither a tensor nor a dict of them.
        OptionError: it draws random numbers.
    """
    shapes = " and ".join(f"{each.dtype}, {tuple(each.shape)}" for each in inputs)
    found = []
    with torch.no_grad():
        for seed in (0, 1):
            seed_torch(seed, "derivation")
            try:
                # a copy each, for a forward pass may count its calls
                found.append(copy.deepcopy(model)(*(each.clone() for each in inputs)))
            except (RuntimeError, ValueError, TypeError, IndexError) as error:
                raise DataError(
                    "the network cannot take these inputs", received=shapes,
                    advice=str(error).partition("\n")[0],
                ) from error  # fmt: skip
    first, second = found
    if not isinstance(first, Tensor) and not _is_named(first):
        raise DataError(
            "what the network gives cannot be compared with targets", expected="a tensor, or a dict of tensors",
            received=type(first).__name__, advice="pass a module that returns one of them",
        )  # fmt: skip
    if not are_alike(first, second):
        raise OptionError(
            "a network that draws random numbers has no one derivation", expected="the same outputs at every call",
            received="other outputs at a second call", advice="call model.eval()",
        )  # fmt: skip
    return dict(first) if _is_named(first) else first


def _is_named(outputs: object) -> bool:
    if not isinstance(outputs, dict) or not outputs:
        return False
    return all(isinstance(key, str) and isinstance(each, Tensor) for key, each in outputs.items())


def by_name(outputs: Outputs) -> dict[str, Tensor]:
    """Return the outputs by name; a single one has none."""
    return outputs if isinstance(outputs, dict) else {"": outputs}


def are_alike(found: Any, outputs: Outputs) -> bool:
    """Say whether two calls gave the same; what is not a number is like itself."""
    if not isinstance(found, Tensor) and not _is_named(found):
        return False
    ours, theirs = by_name(found), by_name(outputs)
    return list(ours) == list(theirs) and all(
        ours[name].shape == each.shape and torch.equal(ours[name].nan_to_num(), each.nan_to_num())
        for name, each in theirs.items()
    )


def leaf_of(tensor: Tensor) -> Tensor:
    """Return a copy by which autograd takes gradients, where it has numbers that have one."""
    leaf = tensor.detach().clone()
    return leaf.requires_grad_() if leaf.is_floating_point() else leaf
