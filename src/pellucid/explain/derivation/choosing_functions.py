"""The written formulas of functions that choose among numbers: comparisons, the largest, sorting, gathering."""

# ruff: noqa: ARG001 - rules have the arguments of what they describe

import operator
from typing import Any

import numpy as np
import torch

from pellucid.explain.derivation.choosing import Gathering, Largest, Ordering, Stepwise, Unfolding, Which
from pellucid.explain.derivation.operation import Call, Value
from pellucid.explain.derivation.rules import Rules
from pellucid.explain.derivation.steps import Formula

CHOICE_RULES = Rules()
_rule = CHOICE_RULES.of


def _extreme(is_least: bool, *targets: Any) -> None:
    @_rule(*targets)
    def _(result: Any, input: Value, dim: Any = None, keepdim: bool = False) -> Call:
        axes = range(input.array.ndim) if dim is None or dim == () else (dim,) if isinstance(dim, int) else dim
        return Call(Largest(tuple(axes), keeps=keepdim, is_least=is_least), (input,))


_extreme(False, torch.amax, "amax")
_extreme(True, torch.amin, "amin")


def _comparison(compare: Any, sign: str, latex: str, *targets: Any) -> None:
    formula = Formula(f"Y = 1 where A {sign} B, else 0", rf"Y = [A {latex} B]")

    @_rule(*targets)
    def _(result: Any, input: Any, other: Any) -> Call:
        return Call(Stepwise("comparison", compare, formula, operands=2), (input, other))


_comparison(np.greater, ">", ">", torch.gt, operator.gt, "gt")
_comparison(np.greater_equal, "≥", r"\ge", torch.ge, operator.ge, "ge")
_comparison(np.less, "<", "<", torch.lt, operator.lt, "lt")
_comparison(np.less_equal, "≤", r"\le", torch.le, operator.le, "le")
_comparison(np.equal, "=", "=", torch.eq, operator.eq, "eq")
_comparison(np.not_equal, "≠", r"\ne", torch.ne, operator.ne, "ne")


@_rule(torch.any, "any")
def _(result: Any, input: Value, dim: int | None = None, keepdim: bool = False) -> Call:
    formula = Formula("y = 1 where any x_j is not 0, else 0", r"y = [\exists j : x_j \ne 0]")
    return Call(Stepwise("any", lambda x: np.any(x, axis=dim, keepdims=keepdim), formula), (input,))


@_rule(torch.argmax, "argmax")
def _(result: Any, input: Value, dim: int | None = None, keepdim: bool = False) -> Call | None:
    formula = Formula("y = the first j with the largest x_j", r"y = \arg\max_j x_j")
    return Call(Stepwise("place of the largest", lambda x: np.argmax(x, dim, keepdims=keepdim), formula), (input,))


@_rule("detach", torch.detach)
def _(result: Any, input: Value) -> Call:
    return Call(Stepwise("taken for constant", np.copy, Formula("Y = X, taken for constant", r"Y = X")), (input,))


@_rule(torch.zeros_like, torch.ones_like)
def _(result: Any, input: Value) -> Call:
    value = float(result.flat[0]) if result.size else 0.0
    formula = Formula(f"Y = {value:g} everywhere", f"Y = {value:g}")
    return Call(Stepwise("constant", lambda x: np.full(x.shape, value), formula), (input,))


@_rule(torch.sort, "sort")
def _(result: Any, input: Value, dim: int = -1, descending: bool = False) -> Call:
    return Call(Ordering(dim, descends=descending), (input,))


@_rule(torch.gather, "gather")
def _(result: Any, input: Value, dim: int, index: Value) -> Call:
    return Call(Gathering(dim), (input, index))


@_rule("unfold")
def _(result: Any, input: Value, dimension: int, size: int, step: int) -> Call:
    return Call(Unfolding(dimension % input.array.ndim, size, step), (input,))


@_rule(torch.where)
def _(result: Any, condition: Value, input: Any, other: Any) -> Call:
    return Call(Which(), (condition, input, other))
