"""What has no written formula here: torch computes it, and autograd its gradients, and both are marked as such."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pellucid.explain.derivation.operation import Operation
from pellucid.explain.derivation.steps import Array, Formula, Nested


def arrays(value: Any) -> Nested:
    """Return the numbers of a tensor or of tuples of tensors, floating-point ones as float64; others as they are.

    A dict is a tuple of what it holds.
    """
    if isinstance(value, Tensor):
        kept = value.detach().cpu()
        return (kept.double() if kept.is_floating_point() else kept).numpy().copy()
    if isinstance(value, dict):
        return arrays(tuple(value.values()))
    if isinstance(value, tuple | list):
        return tuple(arrays(each) for each in value)
    return value


def tensors(value: Any) -> Iterator[Tensor]:
    """Yield every tensor of a value, inside tuples, lists and dicts too."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from tensors(tuple(value.values()))
    elif isinstance(value, tuple | list):
        for each in value:
            yield from tensors(each)


class Unwritten(Operation):
    """Any computation of torch.

    Args:
        kind: what it is called.
        run: tensors -> a tensor or a tuple of them.
        symbols: of the operands.
        dtype: in which torch computes.
    """

    is_recomputed = False
    forward_formula = Formula("Y as torch computes it", r"Y \text{ as torch computes it}")
    backward_formulas = (Formula("gradients as autograd computes them", r"\text{gradients as autograd computes them}"),)

    def __init__(self, kind: str, run: Callable[..., Any], symbols: tuple[str, ...], dtype: torch.dtype) -> None:
        self.kind, self.symbols = kind, symbols
        self._run, self._dtype = run, dtype

    def forward(self, *operands: Nested) -> Nested:
        """Return what torch computes."""
        with torch.enable_grad():
            given = tuple(self._tensor(each) for each in operands)
            self._given = [each for each in tensors(given) if each.requires_grad]
            # copies, for a layer that works in place may not change a leaf
            self._result = self._run(*(_copied(each) for each in given))
        self._operands = given
        self.operations = tuple(dict.fromkeys(_operations(self._result)))
        return arrays(self._result)

    def backward(self, gradient: Nested) -> tuple[Nested, ...]:
        """Return what autograd computes."""
        pairs = [(y, dy) for y, dy in _paired(self._result, gradient) if dy is not None and y.requires_grad]
        if not pairs:
            return (None,) * len(self._operands)
        outputs = [y for y, _ in pairs]
        weights = [torch.as_tensor(np.array(dy, order="C")).to(y.dtype) for y, dy in pairs]
        found = torch.autograd.grad(outputs, self._given, weights, allow_unused=True)
        by_leaf: dict[int, Tensor | None] = {id(leaf): each for leaf, each in zip(self._given, found, strict=True)}
        return tuple(_gradients(each, by_leaf) for each in self._operands)

    def _tensor(self, value: Nested) -> Any:
        if isinstance(value, tuple):
            return tuple(self._tensor(each) for each in value)
        if not isinstance(value, np.ndarray):
            return value
        tensor = torch.as_tensor(value.copy())
        return tensor.to(self._dtype).requires_grad_() if tensor.is_floating_point() else tensor


def _copied(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_copied(each) for each in value)
    return value.clone() if isinstance(value, Tensor) else value


def _gradients(value: Any, by_leaf: dict[int, Tensor | None]) -> Nested:
    if isinstance(value, tuple):
        return tuple(_gradients(each, by_leaf) for each in value)
    found = by_leaf.get(id(value))
    return None if found is None else arrays(found)


def _paired(value: Any, gradient: Nested) -> Iterator[tuple[Tensor, Array | None]]:
    if isinstance(value, dict):
        yield from _paired(tuple(value.values()), gradient)
    elif isinstance(value, tuple | list):
        whole = gradient if isinstance(gradient, tuple) else (None,) * len(value)
        for each, of_each in zip(value, whole, strict=True):
            yield from _paired(each, of_each)
    elif isinstance(value, Tensor):
        yield value, gradient


def _operations(result: Any) -> Iterator[str]:
    """Yield the names of the autograd graph's operations from the result to the operands, in forward order."""
    seen: dict[Any, None] = {}
    waiting = [tensor.grad_fn for tensor in tensors(result)]
    while waiting:
        node = waiting.pop(0)
        if node is not None and node not in seen and node.name() not in _LEAVES:
            seen[node] = None
            waiting += [before for before, _ in node.next_functions]
    yield from (node.name().removesuffix("0").removesuffix("Backward") for node in reversed(seen))


_LEAVES = {"torch::autograd::AccumulateGrad", "CloneBackward0"}
