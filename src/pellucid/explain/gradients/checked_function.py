"""What a gradient check is of: a number as a function of float64 tensors, of a module and its loss or of a function."""

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.func import functional_call, replace_all_batch_norm_modules_
from torch.nn import functional as F
from torch.utils import _pytree as pytree

from pellucid.errors import OptionError, PellucidError, nearest
from pellucid.seed import generator

Loss: TypeAlias = str | nn.Module | Callable[..., Tensor]
Inputs: TypeAlias = Tensor | tuple[Any, ...]


class UncheckableError(PellucidError, ValueError):
    """A function whose gradient no difference quotient can confirm: random, of whole numbers, or not one number."""


@dataclass(frozen=True, slots=True)
class CheckedFunction:
    """A number as a function of tensors.

    Attributes:
        value: takes the tensors by name and gives the number.
        tensors: where the gradient is checked; float64, each a leaf that requires a gradient.
        input_size: how many numbers the input holds, by which memory is reckoned.
        measure: what the number is, in words.
    """

    value: Callable[[Mapping[str, Tensor]], Tensor]
    tensors: Mapping[str, Tensor]
    input_size: int
    measure: str


def of_module(model: nn.Module, x: Inputs, y: Tensor | None, loss: Loss | None, seed: int,
              *, inputs: bool) -> CheckedFunction:  # fmt: skip
    """Return the loss of a copy of `model` as a function of its parameters, and of its input where `inputs` asks so.

    Raises:
        UncheckableError: dropout is active, or nothing has a gradient.
    """
    refuse_dropout(model)
    network = _double_copy(model)
    values = {name: one for name, one in network.named_parameters() if one.requires_grad}
    arguments = {f"x{suffix}": each for suffix, each in _named(x)}
    given = {name: each for name, each in arguments.items() if isinstance(each, Tensor) and each.is_floating_point()}
    tensors = _leaves(values | (given if inputs else {}))
    if not tensors:
        raise UncheckableError(
            "there is no gradient to check",
            expected="a floating-point parameter that requires a gradient",
            received=_what_it_has(model),
            advice="`requires_grad_(True)` on what is to be checked, or `inputs=True` for the gradient of the input",
        )
    measure, number = _number(y, loss, seed)

    def value(at: Mapping[str, Tensor]) -> Tensor:
        # what the model changes in place must not meet the next evaluation
        passed = [_fresh(at.get(name, each)) for name, each in arguments.items()]
        own = {name: each for name, each in at.items() if name not in arguments}
        return number(functional_call(network, own, tuple(passed)))

    return CheckedFunction(value, tensors, _size(arguments), measure)


def of_function(function: Callable[..., Any], x: Inputs, y: Tensor | None, loss: Loss | None,
                seed: int) -> CheckedFunction:  # fmt: skip
    """Return a function as a function of its floating-point arguments; of an `autograd.Function` its `apply`.

    Raises:
        UncheckableError: no argument has a gradient.
    """
    call = function.apply if inspect.isclass(function) and issubclass(function, torch.autograd.Function) else function
    arguments = {f"x{suffix}": each for suffix, each in _named(x)}
    floating = {name: one for name, one in arguments.items() if isinstance(one, Tensor) and one.is_floating_point()}
    if not floating:
        kinds = sorted({str(each.dtype) for each in arguments.values() if isinstance(each, Tensor)})
        raise UncheckableError(
            "whole numbers have no gradient",
            expected="an argument of floating-point numbers",
            received=", ".join(kinds) or "no tensor",
        )
    measure, number = _number(y, loss, seed)

    def value(at: Mapping[str, Tensor]) -> Tensor:
        return number(call(*(_fresh(at.get(name, each)) for name, each in arguments.items())))

    return CheckedFunction(value, _leaves(floating), _size(arguments), measure)


def refuse_dropout(model: nn.Module) -> None:
    """Refuse a model that drops units at random.

    Raises:
        UncheckableError: a layer is in training mode and its probability is above 0.
    """
    for name, layer in model.named_modules():
        probability = _dropout(layer)
        if layer.training and probability > 0:
            where = f"{name} ({type(layer).__name__})" if name else type(layer).__name__
            raise UncheckableError(
                f"dropout is active in {where}",
                expected="the same network at every evaluation",
                received=f"training mode with p = {probability:g}: each evaluation drops other units,"
                " so that a difference of two measures the draw and not the gradient",
                advice="call model.eval() before the check",
            )


def refuse_random(value: float, again: float) -> None:
    """Refuse a number that is no number, or that two evaluations do not share.

    Raises:
        UncheckableError: the two differ by more than rounding, or are not finite.
    """
    if not torch.tensor([value, again]).isfinite().all():
        raise UncheckableError("the loss is not finite", expected="a number", received=f"{value}")
    if abs(value - again) > 1e-12 * max(abs(value), abs(again)):
        raise UncheckableError(
            "two evaluations of the same function differ",
            expected=f"{value!r} again",
            received=f"{again!r}",
            advice="a gradient check needs a function without chance: call model.eval(), or fix what is drawn",
        )


def _dropout(layer: nn.Module) -> float:
    match layer:
        case nn.modules.dropout._DropoutNd():  # noqa: SLF001 (torch has no public name for the kind)
            return float(layer.p)
        case nn.RNNBase():
            return float(layer.dropout) if layer.num_layers > 1 else 0.0
        case nn.MultiheadAttention():
            return float(layer.dropout)
    return 0.0


def _double_copy(model: nn.Module) -> nn.Module:
    network = copy.deepcopy(model).double()
    for layer in list(network.modules()):
        # in training mode the output does not read the running statistics, and vmap could not write them
        if isinstance(layer, nn.modules.batchnorm._BatchNorm) and layer.training:  # noqa: SLF001 (see above)
            replace_all_batch_norm_modules_(layer)
    return network


def _number(y: Tensor | None, loss: Loss | None, seed: int) -> tuple[str, Callable[[Any], Tensor]]:
    """Return what the number is, and how it is made of an output."""
    if loss is None and y is None:
        return "a random weighting of the outputs", _Weighting(seed)
    target = _double(y) if isinstance(y, Tensor) else y
    if loss is None:
        loss = "squared-error" if isinstance(target, Tensor) and target.is_floating_point() else "cross-entropy"
    name, function = _loss(loss)
    if target is None:
        return name, function
    return name, lambda output: function(output, target)


def _loss(loss: Loss) -> tuple[str, Callable[..., Tensor]]:
    if isinstance(loss, nn.Module):
        refuse_dropout(loss)
        return type(loss).__name__, _double_copy(loss)
    if not isinstance(loss, str):
        return getattr(loss, "__name__", type(loss).__name__), loss
    if loss not in _LOSSES:
        raise OptionError(
            f"there is no loss '{loss}'", expected=", ".join(_LOSSES), received=loss, advice=nearest(loss, _LOSSES)
        )
    return loss, _LOSSES[loss]


def _cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    per_step = logits.ndim == target.ndim + 1 and logits.shape[:-1] == target.shape and logits.ndim > 2
    return F.cross_entropy(logits.flatten(0, -2), target.flatten()) if per_step else F.cross_entropy(logits, target)


_LOSSES: dict[str, Callable[..., Tensor]] = {
    "cross-entropy": _cross_entropy,
    "squared-error": F.mse_loss,
    "absolute-error": F.l1_loss,
    "huber": F.huber_loss,
}


class _Weighting:
    """Σ w·output with w drawn at the first call: one number on which every output has a say of its own."""

    def __init__(self, seed: int) -> None:
        self._draw = generator(seed, "gradient check")
        self._weights: list[Tensor] | None = None

    def __call__(self, output: Any) -> Tensor:
        numbers = [each for each in pytree.tree_leaves(output) if isinstance(each, Tensor) and each.is_floating_point()]
        if self._weights is None:  # once and before vmap, which lets nobody draw
            self._weights = [
                torch.randn(each.shape, generator=self._draw, dtype=torch.float64).to(each.device) for each in numbers
            ]
        return torch.stack([(w * each).sum() for w, each in zip(self._weights, numbers, strict=True)]).sum()


def _named(x: Inputs) -> list[tuple[str, Any]]:
    return [("", x)] if isinstance(x, Tensor) else [(f"[{place}]", each) for place, each in enumerate(x)]


def _leaves(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: _double(each).requires_grad_() for name, each in tensors.items()}


def _double(tensor: Tensor) -> Tensor:
    return tensor.detach().to(torch.float64, copy=True) if tensor.is_floating_point() else tensor.detach().clone()


def _fresh(argument: Any) -> Any:
    if not isinstance(argument, Tensor):
        return argument
    return argument.double().clone() if argument.is_floating_point() else argument.clone()


def _size(arguments: Mapping[str, Any]) -> int:
    return sum(each.numel() for each in arguments.values() if isinstance(each, Tensor))


def _what_it_has(model: nn.Module) -> str:
    parameters = list(model.parameters())
    if not parameters:
        return "a module without parameters"
    kinds = sorted({str(each.dtype).removeprefix("torch.") for each in parameters})
    return f"{len(parameters)} parameters ({', '.join(kinds)}), none of which requires a gradient"
