"""Putting something in place of a function of torch's for as long as an intervention lasts."""

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch

KINDS: dict[str, "type[Intervention]"] = {}
"""Kind, as JSON says it -> class."""


@dataclass(frozen=True, slots=True)
class Intervention(ABC):
    """A change of how a script trains, made from outside: installed before its first line, undone after its last."""

    kind: ClassVar[str]

    def __init_subclass__(cls, kind: str = "", **options: Any) -> None:
        super(Intervention, cls).__init_subclass__(**options)
        # a dataclass with slots is made twice, the second time without options: that one is in use
        cls.kind = kind or vars(cls).get("kind", "")
        if cls.kind:
            KINDS[cls.kind] = cls

    @abstractmethod
    def install(self, undo: ExitStack) -> None:
        """Take effect until `undo` is closed."""

    def to_json(self) -> dict[str, Any]:
        """Return this as plain data."""
        return {"kind": self.kind, **asdict(self)}

    @staticmethod
    def from_json(document: dict[str, Any]) -> "Intervention":
        """Return what `to_json` wrote."""
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
        }
        return KINDS[fields.pop("kind")](**fields)


def patch(undo: ExitStack, owner: Any, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Put `wrap(original)` in place of a function until `undo` is closed."""
    original = getattr(owner, name)
    replacement = wrap(original)
    if not isinstance(replacement, type):
        replacement = functools.wraps(original)(replacement)
    setattr(owner, name, replacement)
    undo.callback(setattr, owner, name, original)


def before_call(undo: ExitStack, change: Callable[[torch.nn.Module, tuple[Any, ...]], tuple[Any, ...] | None]) -> None:
    """Call `change(module, inputs)` before every module that is not called from within another."""
    depth = [0]

    def enter(module: torch.nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...] | None:
        depth[0] += 1
        return change(module, inputs) if depth[0] == 1 and _is_network(module) else None

    def leave(_module: torch.nn.Module, _inputs: Any, _output: Any) -> None:
        depth[0] = max(0, depth[0] - 1)

    # torch's annotation forbids what its documentation allows: a hook that returns other inputs
    handle = torch.nn.modules.module.register_module_forward_pre_hook(enter)  # type: ignore[arg-type]
    undo.callback(handle.remove)
    undo.callback(torch.nn.modules.module.register_module_forward_hook(leave, always_call=True).remove)


def after_call(undo: ExitStack, change: Callable[[torch.nn.Module, Any], Any]) -> None:
    """Call `change(module, output)` after every module that is not called from within another."""
    depth = [0]

    def enter(_module: torch.nn.Module, _inputs: Any) -> None:
        depth[0] += 1

    def leave(module: torch.nn.Module, _inputs: Any, output: Any) -> Any:
        depth[0] = max(0, depth[0] - 1)
        return change(module, output) if depth[0] == 0 and _is_network(module) else None

    undo.callback(torch.nn.modules.module.register_module_forward_pre_hook(enter).remove)
    undo.callback(torch.nn.modules.module.register_module_forward_hook(leave, always_call=True).remove)


def _is_network(module: torch.nn.Module) -> bool:
    """Tell a network from a loss layer, which has no parameters."""
    return any(True for _ in module.parameters())
