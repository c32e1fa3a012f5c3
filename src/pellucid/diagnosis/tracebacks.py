"""Tracebacks as plain python prints them: without the frames that watching a script puts between its own."""

import dis
import linecache
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType, TracebackType

HIDDEN_FILE = "<pellucid: importlib _bootstrap>"
"""Where functions that stand in for torch's say they are from: Python does not count such frames in warnings."""
_OURS = (str(Path(__file__).parent), HIDDEN_FILE)
_MODULE = str(Path("torch", "nn", "modules", "module.py"))
_UNHOOKED = "return forward_call(*args, **kwargs)"
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def as_plain(error: BaseException) -> None:
    """Cut from an exception, and from those behind it, every frame that is there because the script is watched."""
    for each in _chain(error):
        each.__traceback__ = _plain(each.__traceback__)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception, its causes and contexts, and the members of groups."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__]
        if isinstance(each, BaseExceptionGroup):
            waiting.extend(each.exceptions)


def _plain(traceback: TracebackType | None) -> TracebackType | None:
    entries = []
    while traceback is not None:
        entries.append(traceback)
        traceback = traceback.tb_next
    plain: TracebackType | None = None
    for caller, entry in reversed(list(zip([None, *entries], entries, strict=False))):
        if not _is_ours(entry.tb_frame, caller and caller.tb_frame):
            plain = _unhooked(entry, plain)
    return plain


def _is_ours(frame: FrameType, caller: FrameType | None) -> bool:
    """Say whether a frame is the observer's, or the one that torch adds to a module's call where there are hooks."""
    if frame.f_code.co_filename.startswith(_OURS):
        return True
    return frame.f_code.co_name == "inner" and caller is not None and _is_hooked_by_us(caller)


def _is_hooked_by_us(frame: FrameType) -> bool:
    """Say whether a frame is a module's call that without us would have had no hooks."""
    code = frame.f_code
    if code.co_name != "_call_impl" or not code.co_filename.endswith(_MODULE):
        return False
    module = frame.f_locals.get("self")
    return not any(getattr(module, hooks, None) for hooks in _HOOKS)


def _unhooked(entry: TracebackType, following: TracebackType | None) -> TracebackType:
    """Return an entry of a traceback as it were where no module has hooks."""
    instruction = _call_without_hooks(entry.tb_frame.f_code) if _is_hooked_by_us(entry.tb_frame) else None
    last, line = instruction or (entry.tb_lasti, entry.tb_lineno)
    return TracebackType(following, entry.tb_frame, last, line)


def _call_without_hooks(code: CodeType) -> tuple[int, int] | None:
    """Return the instruction, and its line, by which torch calls `forward` where there are no hooks."""
    for instruction in dis.get_instructions(code):
        line = instruction.positions.lineno if instruction.positions else None
        is_call = instruction.opname.startswith("CALL")
        if line and is_call and linecache.getline(code.co_filename, line).strip() == _UNHOOKED:
            return instruction.offset, line
    return None
