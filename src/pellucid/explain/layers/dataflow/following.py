"""A network's dataflow as torch runs it: every operation's output is told what it sees of the input.

Operations are those of ATen, which everything in torch is made of; so a module, a function and an operator are alike.
What an unknown operation gives is taken to see all of the input: a field may be told too large, never too small.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

from pellucid.explain.layers.dataflow import mixing, rearranging, sliding
from pellucid.explain.layers.dataflow.operation import Operation, Rule
from pellucid.explain.layers.dataflow.seen import Seen, anything, joined, of_input

_RULES: dict[str, Rule] = sliding.RULES | mixing.RULES | rearranging.RULES
_POINTWISE = frozenset(
    ["_prelu_kernel", "_to_copy", "alias", "clone", "contiguous", "copy", "detach", "dropout", "fill", "lift_fresh",
     "native_dropout", "relu", "threshold"]
)  # fmt: skip
"""What works number by number and is not marked so by torch."""


class Dataflow(TorchDispatchMode):
    """Follows tensors from the inputs on while it is entered; without gradients, or views are other objects inside.

    Args:
        inputs: the tensors to follow; of several that have axes, the axes are taken to be the same.
        steps_first: whether inputs of three dimensions are (N, T, F).
    """

    def __init__(self, inputs: Iterable[Tensor], *, steps_first: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._seen: Any = WeakTensorKeyDictionary()
        self._written: dict[int, Tensor] = {}
        for x in inputs:
            self._seen[x] = of_input(x, steps_first=steps_first)

    def of(self, tensor: Tensor) -> Seen | None:
        """Return what a tensor sees, or None where it does not depend on an input."""
        known = self._seen.get(tensor)
        if _storage(tensor) in self._written:
            return anything([known] if isinstance(known, Seen) else self._everything(), tensor)
        return known if isinstance(known, Seen) else None

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        del types  # every tensor is followed, of whatever class
        kwargs = kwargs or {}
        tensors = [each for each in pytree.tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
        seen = [known for known in map(self.of, tensors) if known is not None]
        out = func(*args, **kwargs)
        if seen:
            self._tell(func, args, kwargs, out, seen)
        return out

    def _tell(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any, seen: list[Seen]) -> None:
        name = func.overloadpacket.__name__
        outs = [each for each in pytree.tree_leaves(out) if isinstance(each, Tensor)]
        plain = name.removesuffix("_")
        rule = _RULES.get(name) or _RULES.get(plain)
        if rule is not None:
            found = rule(Operation(args, kwargs, outs, self.of))
            told = found if isinstance(found, list) else [found] * len(outs)
        elif torch.Tag.pointwise in func.tags or plain in _POINTWISE:
            told = [joined(seen, each.shape) for each in outs]
        else:
            told = [anything(seen, each) for each in outs]
        for each, one in zip(outs, told, strict=False):
            self._seen[each] = one
        target = args[0] if args and isinstance(args[0], Tensor) else None
        part = target is not None and target.numel() * target.element_size() < target.untyped_storage().nbytes()
        if target is not None and part and func._schema.is_mutable:  # noqa: SLF001 (torch says it nowhere else)
            self._written[_storage(target)] = target  # a part of a larger tensor, which is not among the arguments

    def _everything(self) -> list[Seen]:
        return [each for each in self._seen.values() if isinstance(each, Seen)]


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
