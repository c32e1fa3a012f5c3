"""The written formula of each function and method that a forward pass calls: torch.relu, x @ w, x.flatten(1).

Those that are layers and those that choose among numbers have files of their own.
"""

# ruff: noqa: ARG001 - rules have the arguments of what they describe

import builtins
import inspect
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from pellucid.explain.derivation import elementwise as curves
from pellucid.explain.derivation.arithmetic import Difference, Product, Quotient, Reduction, Sum
from pellucid.explain.derivation.choosing_functions import CHOICE_RULES
from pellucid.explain.derivation.dense import MatrixProduct
from pellucid.explain.derivation.elementwise import Curve, Elementwise
from pellucid.explain.derivation.layer_functions import LAYER_RULES
from pellucid.explain.derivation.normalisation import Softmax
from pellucid.explain.derivation.operation import Call, Operation, Value
from pellucid.explain.derivation.rearranging import Division, Expansion, Joining, Reshaping, Selection, Transposition
from pellucid.explain.derivation.rules import Rules

_RULES = Rules()
_rule = _RULES.of


def call_of_function(target: Any, result: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Call | None:
    """Return the operation of a call; None where there is no formula for it.

    Args:
        target: the function, or a method's name.
        result: what torch returned, as arrays.
        args: what it was given.
        kwargs: the same by name.
    """
    rule = next((rules[target] for rules in (_RULES, LAYER_RULES, CHOICE_RULES) if target in rules), None)
    if rule is None:
        return None
    try:
        inspect.signature(rule).bind(result, *args, **kwargs)
    except TypeError:
        return None
    return rule(result, *args, **kwargs)


def _curve(curve: Curve, *targets: Any) -> None:
    @_rule(*targets)
    def _(result: Any, input: Value, inplace: bool = False) -> Call:
        return Call(Elementwise(curve), (input,))


_curve(curves.RELU, torch.relu, torch.relu_, F.relu, "relu", "relu_")
_curve(curves.SIGMOID, torch.sigmoid, F.sigmoid, torch.special.expit, "sigmoid", "sigmoid_")
_curve(curves.TANH, torch.tanh, F.tanh, "tanh", "tanh_")
_curve(curves.SILU, F.silu)
_curve(curves.MISH, F.mish)
_curve(curves.SELU, torch.selu, F.selu)
_curve(curves.EXP, torch.exp, "exp")
_curve(curves.LOG, torch.log, "log")
_curve(curves.SQRT, torch.sqrt, "sqrt")
_curve(curves.SINE, torch.sin, "sin")
_curve(curves.COSINE, torch.cos, "cos")
_curve(curves.MAGNITUDE, torch.abs, builtins.abs, operator.abs, "abs")
_curve(curves.NEGATION, torch.neg, operator.neg, "neg")
_curve(curves.power(2), torch.square, "square")


@_rule(F.leaky_relu)
def _(result: Any, input: Value, negative_slope: float = 0.01, inplace: bool = False) -> Call:
    return Call(Elementwise(curves.leaky(negative_slope)), (input,))


@_rule(F.elu)
def _(result: Any, input: Value, alpha: float = 1.0, inplace: bool = False) -> Call:
    return Call(Elementwise(curves.elu(alpha)), (input,))


@_rule(F.gelu)
def _(result: Any, input: Value, approximate: str = "none") -> Call | None:
    return Call(Elementwise(curves.GELU), (input,)) if approximate == "none" else None


@_rule(F.softplus)
def _(result: Any, input: Value, beta: float = 1, threshold: float = 20) -> Call | None:
    return Call(Elementwise(curves.SOFTPLUS), (input,)) if beta == 1 else None


@_rule(torch.clamp, torch.clip, "clamp", "clip")
def _(result: Any, input: Value, min: Any = None, max: Any = None) -> Call | None:
    if isinstance(min, Value) or isinstance(max, Value):
        return None
    low, high = (end if given is None else given for given, end in ((min, -np.inf), (max, np.inf)))
    return Call(Elementwise(curves.clipped(low, high)), (input,))


@_rule(torch.pow, operator.pow, "pow")
def _(result: Any, input: Any, exponent: Any) -> Call | None:
    if not isinstance(input, Value) or not isinstance(exponent, int | float):
        return None
    return Call(Elementwise(curves.power(exponent)), (input,))


@_rule(torch.softmax, F.softmax, "softmax")
def _(result: Any, input: Value, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Call | None:
    return None if dim is None or dtype is not None else Call(Softmax(dim, is_log=False), (input,))


@_rule(torch.log_softmax, F.log_softmax, "log_softmax")
def _(result: Any, input: Value, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Call | None:
    return None if dim is None or dtype is not None else Call(Softmax(dim, is_log=True), (input,))


def _of_two(operation: type[Operation], *targets: Any) -> None:
    @_rule(*targets)
    def _(result: Any, input: Any, other: Any) -> Call:
        return Call(operation(), (input, other))


_of_two(Sum, torch.add, operator.add, operator.iadd, "add", "add_", "__add__", "__radd__")
_of_two(Difference, torch.sub, operator.sub, operator.isub, "sub", "sub_")
_of_two(Product, torch.mul, operator.mul, operator.imul, torch.multiply, "mul", "mul_")
_of_two(Quotient, torch.div, operator.truediv, operator.itruediv, "div", "div_")
_of_two(
    MatrixProduct,
    torch.matmul,
    operator.matmul,
    torch.mm,
    torch.bmm,
    torch.mv,
    torch.dot,
    "matmul",
    "mm",
    "bmm",
    "mv",
    "dot",
)


def _reduced(is_mean: bool, *targets: Any) -> None:
    @_rule(*targets)
    def _(result: Any, input: Value, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Call | None:
        if dtype is not None:
            return None
        axes = None if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
        return Call(Reduction(axes, keeps=keepdim, is_mean=is_mean), (input,))


_reduced(False, torch.sum, "sum")
_reduced(True, torch.mean, "mean")


@_rule("contiguous", "clone", torch.clone, "float", "double", "int", "long", "to", "type_as", "requires_grad_")
def _(result: Any, input: Value, *args: Any, **kwargs: Any) -> Call | None:
    return Call(Reshaping("copy"), (input,)) if np.array_equal(result, input.array) else None


@_rule(
    torch.flatten, torch.reshape, torch.squeeze, torch.unsqueeze, torch.unflatten,
    "flatten", "reshape", "view", "squeeze", "unsqueeze", "unflatten", "view_as", "reshape_as",
)  # fmt: skip
def _(result: Any, input: Value, *args: Any, **kwargs: Any) -> Call:
    return Call(Reshaping("reshaping", result.shape), (input,))


@_rule("expand", "expand_as", torch.broadcast_to)
def _(result: Any, input: Value, *args: Any) -> Call:
    return Call(Expansion(result.shape), (input,))


@_rule(torch.transpose, "transpose", torch.swapaxes, "swapaxes")
def _(result: Any, input: Value, dim0: int, dim1: int) -> Call:
    order = list(range(input.array.ndim))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return Call(Transposition(order), (input,))


@_rule(torch.t, "t")
def _(result: Any, input: Value) -> Call:
    return Call(Transposition(range(input.array.ndim)[::-1]), (input,))


@_rule(torch.permute, "permute")
def _(result: Any, input: Value, *dims: Any) -> Call:
    order = dims if isinstance(dims[0], int) else dims[0]
    return Call(Transposition([axis % input.array.ndim for axis in order]), (input,))


@_rule(builtins.getattr)
def _(result: Any, input: Value, name: str) -> Call | None:
    if isinstance(input.array, tuple):  # what sort, max and their like return has names
        places = {"values": 0, "indices": 1}
        return Call(Selection(places[name], name), (input,)) if name in places else None
    axes = range(input.array.ndim)
    if name == "mT":
        return Call(Transposition([*axes[:-2], axes[-1], axes[-2]]), (input,))
    return Call(Transposition(axes[::-1]), (input,)) if name == "T" else None


@_rule(torch.cat, torch.concat)
def _(result: Any, tensors: Sequence[Value], dim: int = 0) -> Call:
    return Call(Joining(len(tensors), dim, is_stack=False), tuple(tensors))


@_rule(torch.stack)
def _(result: Any, tensors: Sequence[Value], dim: int = 0) -> Call:
    return Call(Joining(len(tensors), dim, is_stack=True), tuple(tensors))


@_rule(operator.getitem)
def _(result: Any, input: Value, index: Any) -> Call:
    return Call(Selection(_index(index), _written(index)), (input,))


def _index(index: Any) -> Any:
    """Return torch's index as NumPy's: tensors become arrays."""
    if isinstance(index, Value):
        return index.array
    return tuple(_index(each) for each in index) if isinstance(index, tuple | list) else index


def _written(index: Any) -> str:
    """Return an index as Python writes it."""
    if isinstance(index, tuple):
        return ", ".join(_written(each) for each in index)
    if isinstance(index, slice):
        ends = ["" if each is None else str(each) for each in (index.start, index.stop)]
        return ":".join(ends if index.step is None else [*ends, str(index.step)])
    if index is Ellipsis:
        return "..."
    return index.source if isinstance(index, Value) else str(index)


@_rule(torch.chunk, "chunk", torch.split, "split")
def _(result: Any, input: Value, size: Any, dim: int = 0) -> Call:
    ends = np.cumsum([piece.shape[dim] for piece in result])[:-1]
    return Call(Division(lambda x: np.split(x, ends, dim)), (input,))


@_rule(torch.unbind, "unbind")
def _(result: Any, input: Value, dim: int = 0) -> Call:
    return Call(Division(lambda x: list(np.moveaxis(x, dim, 0))), (input,))
