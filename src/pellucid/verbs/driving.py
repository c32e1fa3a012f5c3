"""A session trained into a run folder: record, times and checkpoints written as it happens, the result at the end."""

import contextlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from pellucid.errors import DivergedError
from pellucid.files import write_json
from pellucid.formats.tensorboard import TensorBoardLogs
from pellucid.record import Finding, RecordFile, Result, Watcher
from pellucid.report.live import live_display
from pellucid.training import evaluate, fit
from pellucid.training.checkpoint import state_of
from pellucid.training.evaluation import held_out
from pellucid.training.session import Session
from pellucid.verbs.folder import WARNINGS, Checkpoints, Times, give_parts
from pellucid.verbs.watched import Watched


def drive(
    session: Session,
    folder: Path,
    seconds: float,
    epochs: int | None,
    console: Console,
    watched: Watched | None = None,
    logs: TensorBoardLogs | None = None,
) -> bool:
    """Train to the end; return False where Ctrl-C ended it first.

    Args:
        session: at its beginning, or restored from the folder's checkpoint.
        folder: has a folder `checkpoint`, and is held by this process alone.
        seconds: between checkpoints.
        epochs: between checkpoints, besides.
        console: shows the progress where it is a terminal.
        watched: a watch over the session, which says what is wrong below the progress.
        logs: told of every step, epoch and the result too, and closed in the end.

    Raises:
        DivergedError: the loss is no longer finite; what was learned before is kept.
        RunError: the disk takes no more or memory ran out; the last checkpoint stays.
    """
    done = session.progress.step
    with contextlib.ExitStack() as opened:
        record = opened.enter_context(contextlib.closing(RecordFile(folder / "record.jsonl")))
        if logs is not None:
            opened.enter_context(contextlib.closing(logs))
        checkpoints = Checkpoints(folder, session, record, seconds, epochs)
        times = Times(folder / "timing.jsonl", session)
        try:
            with live_display(console, session.task.metric, session.epochs, session.total_steps, done) as display:
                watchers: list[Watcher] = [record, times, checkpoints, display]
                if logs is not None:
                    watchers.append(logs)
                if watched is not None:
                    watched.show = _kept(folder, display.warn) if display.is_seen else None
                    watchers.append(watched)
                finished = fit(session, watchers, checkpoints.save_if_due)
        except DivergedError:
            checkpoints.save()
            raise
        checkpoints.save()
        if finished:
            result = _judge(session)
            record.on_result(result)
            if logs is not None:
                logs.on_result(result)
        return finished


def drive_along(session: Session) -> bool:
    """Train beside the rank that drives; of a network that is shared out, give the parts when it saves and judges.

    Raises:
        DivergedError, RunError: as `drive`.
    """
    if not session.is_shared_out:
        return fit(session)
    try:
        finished = fit(session, (), lambda: give_parts(session))
    except DivergedError:
        state_of(session)
        raise
    state_of(session)
    if finished:
        _judge(session)
    return finished


def _kept(folder: Path, show: Callable[[Finding | None], None]) -> Callable[[Finding | None], None]:
    """Return what shows a warning and keeps it in the folder, where the studio's training room reads it meanwhile."""

    def keep(finding: Finding | None) -> None:
        write_json(folder / WARNINGS, {"findings": [] if finding is None else [asdict(finding)]})
        show(finding)

    return keep


def _judge(session: Session) -> Result:
    """Return how the best weights do on the test split, or on the validation split where there is no other."""
    session.network.load_state_dict(session.best_weights)
    split = held_out(session.data)
    metrics = evaluate(session.network, session.data, session.task, split, session.device)
    return Result(split=split, metrics=metrics, best_epoch=session.progress.best_epoch)
