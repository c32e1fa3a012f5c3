"""A run trained once more to learn which way its weights went; held against its record epoch by epoch."""

from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console

from pellucid.data import Dataset
from pellucid.errors import OptionError, RunError
from pellucid.explain.landscape.path import TrainingPath, training_path
from pellucid.explain.parts import has_surroundings
from pellucid.files import read_lines, to_json_line
from pellucid.record import Epoch, Step
from pellucid.report.live import live_display
from pellucid.report.numbers import duration
from pellucid.training.session import Session
from pellucid.training.tasks import Task
from pellucid.verbs.again import begin_again, require_same_beginning
from pellucid.verbs.environment import differences, environment
from pellucid.verbs.run import Run


def require_path(run: Run, task: Task, data: Dataset) -> None:
    """Refuse a path over a loss surface where there is no such surface, or no whole training.

    Raises:
        OptionError: what is learned has no loss that is drawn.
        RunError: the run is not finished.
    """
    if not has_surroundings(task, data):
        raise OptionError(
            f"no loss surface is drawn for {task.name} on inputs {data.input_shape}, so there is none for a path",
            expected="a run that learned classes, values or labels of tables, images, arrays or series",
            received=task.name,
            advice="leave --path out",
        )
    if run.record.result is None:
        raise RunError(
            f"{run.folder} is not finished: its path has no end",
            advice=f"finish it first: pellucid train --resume {run.folder}",
        )


def retrace(run: Run, data: Dataset, console: Console) -> TrainingPath:
    """Train a finished run again, and return its network's states along the way.

    Args:
        run: what was trained, and how that went.
        data: what it was trained on.
        console: is told how long it took then, and on a terminal shows the progress and the time left.

    Raises:
        RunError: it comes out otherwise than it did, which the first epoch that differs ends; or Ctrl-C stopped it.
    """
    assert run.record.result is not None, "there is no end"
    session = begin_again(run, data)
    require_same_beginning(run, session)
    then = run.record.epochs
    times = read_lines(run.folder / "timing.jsonl")
    seconds = sum(float(line["seconds"]) for line in times if line["kind"] == "epoch")
    took = f", which took {duration(seconds)} then" if seconds else ""
    console.print(f"path     training {run.folder} once more, {len(then)} epochs{took}", markup=False)
    with live_display(console, session.task.metric, len(then), len(then) * session.steps_per_epoch) as display:
        return training_path(
            session,
            epochs=len(then),
            also=[run.record.result.best_epoch],
            watchers=[_Comparison(run, session, then), display],
        )


class _Comparison:
    """A watcher that ends a training once an epoch came out otherwise than it did then."""

    def __init__(self, run: Run, session: Session, then: Sequence[Epoch]) -> None:
        self._run = run
        self._session = session
        self._then = then

    def on_step(self, step: Step) -> None:
        """Wait for the epoch's end."""

    def on_epoch(self, epoch: Epoch) -> None:
        """Compare it with the record.

        Raises:
            RunError: they differ.
        """
        then = self._then[epoch.epoch - 1] if epoch.epoch <= len(self._then) else None
        if then is not None and to_json_line(asdict(then)) == to_json_line(asdict(epoch)):  # where NaN is NaN
            return
        other = differences(self._run.asked, environment(self._session.device.device))
        raise RunError(
            f"trained once more, {self._run.folder} comes out otherwise: this path would not be its own",
            expected="an end at the epoch before" if then is None else f"loss {then.loss} in epoch {then.epoch}",
            received=f"loss {epoch.loss} in epoch {epoch.epoch}",
            advice="; ".join(other) or f"see in what: pellucid reproduce {self._run.folder}",
        )
