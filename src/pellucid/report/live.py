"""What is shown while a network trains: one line that is redrawn by time, never by step."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from pellucid.data.progress import listening
from pellucid.judging.wording import metric
from pellucid.record import Epoch, Finding, Step
from pellucid.report.findings import warning_line
from pellucid.tuning import Trial

_REDRAWS_PER_SECOND = 4  # rich redraws in a thread of its own; a faster one would take time from small networks


class Bars(Progress):
    """Progress with room for a line below it.

    Attributes:
        below: the line, or None.
    """

    below: Text | None = None

    def get_renderables(self) -> Iterable[RenderableType]:
        """Return what is drawn, from above to below."""
        yield from super().get_renderables()
        if self.below is not None:
            yield self.below


class LiveDisplay:
    """A watcher that shows epoch, loss, validation metric, learning rate, speed and time left."""

    def __init__(self, progress: Bars, task: TaskID, metric_name: str, epochs: int) -> None:
        self._progress = progress
        self._task = task
        self._metric_name = metric_name
        self._epochs = epochs
        self._began = time.perf_counter()
        self._samples_before: int | None = None

    def on_step(self, step: Step) -> None:
        """Take in a step; what is drawn next shows it."""
        if self._samples_before is None:  # the first step of this process: a resumed training has samples behind it
            self._samples_before, self._began = step.samples, time.perf_counter()
        seconds = time.perf_counter() - self._began
        speed = f"{(step.samples - self._samples_before) / seconds:,.0f} samples/s" if seconds > 0.5 else ""
        self._progress.update(
            self._task,
            completed=step.step,
            epoch=f"epoch {step.epoch}/{self._epochs}",
            loss=f"loss {step.loss:.3g}",
            rate=f"rate {step.learning_rate:.2g}",
            speed=speed,
        )

    def on_epoch(self, epoch: Epoch) -> None:
        """Take in an epoch's validation metric."""
        value = metric(self._metric_name, epoch.validation[self._metric_name])
        self._progress.update(self._task, completed=epoch.step, metric=f"{self._metric_name} {value}")

    @property
    def is_seen(self) -> bool:
        """Whether anything is drawn: on a terminal."""
        return not self._progress.disable

    def warn(self, finding: Finding | None) -> None:
        """Say below what is going wrong; None takes the line away."""
        self._progress.below = None if finding is None else warning_line(finding)


@contextmanager
def data_progress(console: Console) -> Iterator[None]:
    """Show how far downloads and the decoding of images have come, on a terminal."""
    columns = [TextColumn("{task.description}"), BarColumn(bar_width=24), TimeRemainingColumn()]
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done)

        with listening(show):
            yield


@contextmanager
def live_display(
    console: Console, metric_name: str, epochs: int, total_steps: int, done: int = 0
) -> Iterator[LiveDisplay]:
    """Show a training's progress on a terminal, and nothing where the console is none."""
    columns = [TextColumn("{task.fields[epoch]}"), BarColumn(bar_width=None)]
    columns += [TextColumn(f"{{task.fields[{name}]}}") for name in ("loss", "metric", "rate", "speed")]
    progress = Bars(
        *columns,
        TimeRemainingColumn(compact=True),
        console=console,
        refresh_per_second=_REDRAWS_PER_SECOND,
        expand=True,  # the bar takes what the figures leave
        transient=True,
        disable=not console.is_terminal,
    )
    with progress:
        fields: dict[str, Any] = dict.fromkeys(("loss", "metric", "rate", "speed"), "")
        task = progress.add_task("", total=total_steps, completed=done, epoch=f"epoch 1/{epochs}", **fields)
        yield LiveDisplay(progress, task, metric_name, epochs)


class SearchDisplay:
    """Shows how many trials are done, how far those under way are, and the best so far."""

    def __init__(self, progress: Progress, task: TaskID, metric_name: str) -> None:
        self._progress = progress
        self._task = task
        self._metric_name = metric_name
        self._best: Trial | None = None

    def epoch(self, trial: Trial) -> None:
        """Take in a trial's last epoch."""
        if self._best is None or trial.score > self._best.score:
            self._best = trial
        value = metric(self._metric_name, self._best.metrics.get(self._metric_name, float("nan")))
        best = f"best {self._metric_name} {value} (trial {self._best.number})"
        self._progress.update(self._task, epoch=f"epoch {trial.epochs}/{trial.planned}", best=best)

    def end(self) -> None:
        """Count a trial that is done."""
        self._progress.advance(self._task)


@contextmanager
def search_display(console: Console, metric_name: str, trials: int) -> Iterator[SearchDisplay]:
    """Show a search's progress on a terminal, and nothing where the console is none."""
    columns = [TextColumn("trials {task.completed:.0f}/{task.total:.0f}"), BarColumn(bar_width=None)]
    columns += [TextColumn(f"{{task.fields[{name}]}}") for name in ("epoch", "best")]
    progress = Progress(
        *columns,
        TimeRemainingColumn(compact=True),
        console=console,
        refresh_per_second=_REDRAWS_PER_SECOND,
        expand=True,
        transient=True,
        disable=not console.is_terminal,
    )
    with progress:
        yield SearchDisplay(progress, progress.add_task("", total=trials, epoch="", best=""), metric_name)


@contextmanager
def counting_display(console: Console, what: str, total: int, done: int = 0) -> Iterator[Callable[[], None]]:
    """Show on a terminal how many of something are done; call what is given for each."""
    columns = [TextColumn(f"{what} {{task.completed:.0f}}/{{task.total:.0f}}"), BarColumn(bar_width=None)]
    with Progress(*columns, console=console, expand=True, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total, completed=done)
        yield lambda: progress.advance(task)
