"""A session driven to its end, telling the watchers what happens."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import Protocol

from pellucid.record import Epoch, Step, Watcher
from pellucid.training.loop import advance
from pellucid.training.memory import explained
from pellucid.training.ranks import losses_explained
from pellucid.training.session import Session


def fit(session: Session, watchers: Iterable[Watcher] = (), between: Callable[[], None] = lambda: None) -> bool:
    """Train to the end; return False where Ctrl-C ended it first.

    The first Ctrl-C lets the step under way finish, so that the session's state is whole; a second one does not wait
    for it and raises `KeyboardInterrupt`.

    Args:
        session: the training.
        watchers: are told each sampled step and each epoch.
        between: called after every step and every epoch, when all watchers have heard of it and the state is whole.

    Raises:
        DivergedError: the loss is no longer finite.
        RunError: memory ran out, or another process of the training is gone.
    """
    watchers = tuple(watchers)
    with losses_explained(session.ranks), explained(session), stop_on_interrupt(session):
        for event in advance(session):
            for watcher in watchers:
                if isinstance(event, Step):
                    watcher.on_step(event)
                elif isinstance(event, Epoch):
                    watcher.on_epoch(event)
            between()
    return session.finished


class Stoppable(Protocol):
    """What ends after the step under way where `stopping` is set."""

    stopping: bool


@contextlib.contextmanager
def stop_on_interrupt(training: Stoppable) -> Iterator[None]:
    """Let the first Ctrl-C stop a training after the step under way; a second one raises `KeyboardInterrupt`."""
    # Python delivers signals to the main thread only; elsewhere (a notebook's worker, a server) nothing is changed.
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(signum: int, frame: FrameType | None) -> None:
        if training.stopping:
            signal.default_int_handler(signum, frame)
        training.stopping = True

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
