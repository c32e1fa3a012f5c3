"""A session driven to its end, telling the watchers what happens."""

import contextlib
import signal
import threading
from collections.abc import Iterable, Iterator
from types import FrameType

from pellucid.record import Step, Watcher
from pellucid.training.session import Session, steps


def fit(session: Session, watchers: Iterable[Watcher] = ()) -> bool:
    """Train to the end; return False where Ctrl-C ended it first.

    Either way the session's state is whole: the first Ctrl-C lets the step under way finish, a second one does not
    wait for it.
    """
    watchers = tuple(watchers)
    with _stop_on_interrupt(session):
        for event in steps(session):
            for watcher in watchers:
                if isinstance(event, Step):
                    watcher.on_step(event)
                else:
                    watcher.on_epoch(event)
    return session.finished


@contextlib.contextmanager
def _stop_on_interrupt(session: Session) -> Iterator[None]:
    # Python delivers signals to the main thread only; elsewhere (a notebook's worker, a server) nothing is changed.
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(signum: int, frame: FrameType | None) -> None:
        if session.stopping:
            signal.default_int_handler(signum, frame)
        session.stopping = True

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
