"""Functions of torch replaced by ones that also tell, for as long as something is watched."""

import functools
from collections.abc import Callable
from typing import Any

import torch

from pellucid.diagnosis.tracebacks import HIDDEN_FILE


class Patches:
    """Replacements that can be undone, the last first."""

    def __init__(self) -> None:
        self._undo: list[tuple[Any, str, Any, bool]] = []

    def after(self, owner: Any, name: str, tell: Callable[..., None]) -> None:
        """Call `tell(result, *arguments, **keywords)` after a function, unless it is being compiled."""
        original = getattr(owner, name)

        @functools.wraps(original)
        def told(*arguments: Any, **keywords: Any) -> Any:
            result = original(*arguments, **keywords)
            if not torch.compiler.is_compiling():
                tell(result, *arguments, **keywords)
            return result

        self.replace(owner, name, told)

    def before(self, owner: Any, name: str, tell: Callable[..., None]) -> None:
        """Call `tell(*arguments, **keywords)` before a function, unless it is being compiled."""
        original = getattr(owner, name)

        @functools.wraps(original)
        def told(*arguments: Any, **keywords: Any) -> Any:
            if not torch.compiler.is_compiling():
                tell(*arguments, **keywords)
            return original(*arguments, **keywords)

        self.replace(owner, name, told)

    def replace(self, owner: Any, name: str, replacement: Any) -> None:
        """Put another function in place of one."""
        own = name in vars(owner)
        _hide(replacement)
        self._undo.append((owner, name, vars(owner)[name] if own else None, own))
        setattr(owner, name, replacement)

    def undo(self) -> None:
        """Put everything back."""
        while self._undo:
            owner, name, original, own = self._undo.pop()
            if own:
                setattr(owner, name, original)
            else:
                delattr(owner, name)


def _hide(function: Any) -> None:
    """Let warnings point to the script's line, as without us: Python skips frames of this file name in counting."""
    code = getattr(function, "__code__", None)
    if code is not None:
        function.__code__ = code.replace(co_filename=HIDDEN_FILE)
