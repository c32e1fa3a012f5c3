"""How far long work of the data room (downloads, decoding) has come, for whoever wants to show it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Progress = Callable[[str, int, int | None], None]

_listener: ContextVar[Progress | None] = ContextVar("progress of the data room", default=None)


@contextmanager
def listening(progress: Progress) -> Iterator[None]:
    """Call `progress(what, done, total)` as work advances within the block; `total` is None where it is unknown."""
    token = _listener.set(progress)
    try:
        yield
    finally:
        _listener.reset(token)


def report(what: str, done: int, total: int | None) -> None:
    """Tell the listener, if there is one, that `done` of `total` of `what` are done."""
    listener = _listener.get()
    if listener is not None:
        listener(what, done, total)
