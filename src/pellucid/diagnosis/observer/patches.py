"""Functions of torch replaced by ones that also tell, for as long as something is watched."""

import functools
import threading
import traceback
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any

import torch
from torch import is_grad_enabled, nn

from pellucid.diagnosis.observer.listening import Listening
from pellucid.diagnosis.tracebacks import HIDDEN_FILE, as_plain

is_compiling = torch.compiler.is_dynamo_compiling
"""What the compiler takes for true; listeners that compute ask for tracing and exporting too (`Listening.is_deaf`)."""


class Patches:
    """Replacements that can be undone, the last first."""

    def __init__(self, listening: Listening) -> None:
        self._listening = listening
        self._undo: list[tuple[Any, str, Any, bool]] = []

    def around_modules(
        self, enter: Callable[..., None], leave: Callable[..., None], is_inner: Callable[[], bool]
    ) -> None:
        """Call `enter(module, *inputs)` before every module's call, and after it `leave(result, module)`.

        Of all functions this one is called most: in a training that goes on unheard it does what torch's own does, in
        its place and not around it. `is_inner` says of a call without gradients whether it is part of one with them.
        """
        listening, original = self._listening, nn.Module.__call__
        is_plain = original is nn.Module._wrapped_call_impl  # noqa: SLF001  and not yet another tool's

        @functools.wraps(original)
        def told(module: nn.Module, /, *arguments: Any, **keywords: Any) -> Any:
            if is_compiling():
                return original(module, *arguments, **keywords)
            if listening.rests and (is_grad_enabled() or is_inner()):
                if is_plain and module._compiled_call_impl is None:  # noqa: SLF001
                    return module._call_impl(*arguments, **keywords)  # noqa: SLF001
                return original(module, *arguments, **keywords)
            enter(module, *arguments)
            result = None
            try:
                result = original(module, *arguments, **keywords)
            finally:
                leave(result, module)
            return result

        self.replace(nn.Module, "__call__", told)

    def around_backward(self, enter: Callable[..., None], leave: Callable[[], None]) -> None:
        """Call `enter` before every backward pass, and `leave` after it; while the listeners sleep, only count it."""
        listening, original = self._listening, torch.autograd.backward

        @functools.wraps(original)
        def told(*arguments: Any, **keywords: Any) -> None:
            if is_compiling():
                original(*arguments, **keywords)
            elif listening.sleeps:
                listening.unheard += 1
                original(*arguments, **keywords)
            else:
                enter(*arguments, **keywords)
                try:
                    original(*arguments, **keywords)
                finally:
                    leave()

        self.replace(torch.autograd, "backward", told)

    def after(self, owner: Any, name: str, tell: Callable[..., None], *, always: bool = True) -> None:
        """Call `tell(result, *arguments, **keywords)` after a function, unless it is being compiled.

        What is not told `always` is not in a training that goes on unheard.
        """
        listening, original = self._listening, getattr(owner, name)

        @functools.wraps(original)
        def told(*arguments: Any, **keywords: Any) -> Any:
            result = original(*arguments, **keywords)
            if not is_compiling() and (always or not listening.rests or not is_grad_enabled()):
                tell(result, *arguments, **keywords)
            return result

        told.__dict__["__prepare_scriptable__"] = lambda: original  # what torch.jit.script is to compile
        self.replace(owner, name, told)

    def before(self, owner: Any, name: str, tell: Callable[..., None]) -> None:
        """Call `tell(*arguments, **keywords)` before a function, unless it is being compiled."""
        original = getattr(owner, name)

        @functools.wraps(original)
        def told(*arguments: Any, **keywords: Any) -> Any:
            if not is_compiling():
                tell(*arguments, **keywords)
            return original(*arguments, **keywords)

        self.replace(owner, name, told)

    def replace(self, owner: Any, name: str, replacement: Any) -> None:
        """Put another function in place of one."""
        own = name in vars(owner)
        _hide(replacement)
        replacement.__module__ = getattr(
            replacement.__wrapped__, "__module__", None
        )  # of a C function, wraps keeps ours
        self._undo.append((owner, name, vars(owner)[name] if own else None, own))
        setattr(owner, name, replacement)

    def hide(self) -> None:
        """Leave what stands in for torch's functions out of the tracebacks that the script prints."""
        for name in ("walk_tb", "walk_stack", "_walk_tb_with_full_positions"):
            if hasattr(traceback, name):
                self.replace(traceback, name, _without_ours(getattr(traceback, name)))
        report = threading.excepthook

        @functools.wraps(report)
        def report_plain(arguments: Any) -> Any:
            if arguments.exc_value is not None:
                as_plain(arguments.exc_value)
            return report(arguments)

        self.replace(threading, "excepthook", report_plain)

    def undo(self) -> None:
        """Put everything back."""
        while self._undo:
            owner, name, original, own = self._undo.pop()
            if own:
                setattr(owner, name, original)
            else:
                delattr(owner, name)


def _without_ours(walk: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    @functools.wraps(walk)
    def walking(start: FrameType | TracebackType | None) -> Iterator[Any]:
        if start is None and walk.__name__ == "walk_stack":  # it would count frames, of which we are one more
            yield from walk(start)
            return
        for step in walk(start):
            if step[0].f_code.co_filename != HIDDEN_FILE:
                yield step

    return walking


def _hide(function: Any) -> None:
    """Let warnings point to the script's line, as without us: Python skips frames of this file name in counting."""
    code = getattr(function, "__code__", None)
    if code is not None:
        function.__code__ = code.replace(co_filename=HIDDEN_FILE)
