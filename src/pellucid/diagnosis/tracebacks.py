"""Tracebacks as plain python prints them: without the frames that watching a script puts between its own."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

HIDDEN_FILE = "<pellucid: importlib _bootstrap>"
"""Where functions that stand in for torch's say they are from: Python does not count such frames in warnings."""
_OURS = (str(Path(__file__).parent), HIDDEN_FILE)


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
    for entry in reversed(entries):
        if not entry.tb_frame.f_code.co_filename.startswith(_OURS):
            plain = TracebackType(plain, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return plain
