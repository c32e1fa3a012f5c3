"""An ATen operation, as the rules of what its output sees are given it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from torch import Tensor

from pellucid.explain.layers.dataflow.seen import Seen, anything


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its arguments, its outputs, and what a tensor sees."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outs: list[Tensor]
    of: Callable[[Tensor], Seen | None]

    def argument(self, place: int, name: str, default: Any = None) -> Any:
        """Return an argument by place or name."""
        value = self.args[place] if len(self.args) > place else self.kwargs.get(name)
        return default if value is None or value == [] else value

    @property
    def x(self) -> Seen:
        """What the first argument sees."""
        return self.seen(self.args[0])

    @property
    def out(self) -> Tensor:
        """The first output."""
        return self.outs[0]

    def seen(self, tensor: Tensor) -> Seen:
        """Return what a tensor sees; nothing, where it does not depend on the input."""
        return self.of(tensor) or Seen({}, tuple(((None, size),) for size in tensor.shape))

    def everything(self) -> Seen:
        """Return that the output may depend on all that any argument sees."""
        tensors = [each for each in (*self.args, *self.kwargs.values()) if isinstance(each, Tensor)]
        return anything([self.seen(each) for each in tensors], self.out)


Rule: TypeAlias = Callable[[Operation], Seen | list[Seen]]
"""Returns what the outputs see, a list where they see different places."""


def by_name(families: dict[Rule, str]) -> dict[str, Rule]:
    """Return the rule of each operation, given the operations of each rule."""
    return {name: rule for rule, names in families.items() for name in names.split()}
