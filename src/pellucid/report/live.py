"""What is shown while a network trains: one line that is redrawn by time, never by step."""

import importlib
import io
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, ProgressColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from pellucid.data.progress import listening
from pellucid.judging.wording import metric
from pellucid.record import Epoch, Finding, Step
from pellucid.report.findings import warning_line
from pellucid.tuning import Trial

_REDRAWS_PER_SECOND = 4  # rich redraws in a thread of its own; a faster one would take time from small networks


_NOTEBOOK_WIDTH = 100
_NOTEBOOK_FORMAT = "<pre style='white-space:pre-wrap;margin:0'>{code}</pre>"


class NotebookLive(Live):
    """What is redrawn in a notebook: its own output is updated in place and taken away at the end, without widgets."""

    def __init__(self, bars: "Bars", console: Console) -> None:
        super().__init__(
            console=console, auto_refresh=True, refresh_per_second=_REDRAWS_PER_SECOND, transient=False,
            redirect_stdout=False, redirect_stderr=False, get_renderable=bars.get_renderable,
        )  # fmt: skip
        self._handle: Any = None

    def refresh(self) -> None:
        """Draw what there is to be seen now."""
        page = Console(file=io.StringIO(), width=_NOTEBOOK_WIDTH, record=True, force_jupyter=False, color_system=None)
        page.print(self.get_renderable())
        self._show(page.export_html(inline_styles=True, code_format=_NOTEBOOK_FORMAT), page.file.getvalue())  # type: ignore[attr-defined]

    def stop(self) -> None:
        """Take it away."""
        was_shown = self._handle is not None and self.is_started
        super().stop()
        if was_shown:
            self._show("", "")

    def _show(self, html: str, plain: str) -> None:
        content = {"text/html": html, "text/plain": plain}
        if self._handle is None:
            # there where a notebook is
            self._handle = importlib.import_module("IPython.display").display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)


class Bars(Progress):
    """Progress with room for a line below it, on a terminal or in a notebook; nothing is shown elsewhere.

    Attributes:
        below: the line, or None.
    """

    below: Text | None = None

    def __init__(self, *columns: ProgressColumn, console: Console, expand: bool = False) -> None:
        super().__init__(
            *columns,
            console=console,
            refresh_per_second=_REDRAWS_PER_SECOND,
            expand=expand,  # the bar takes what the figures leave
            transient=True,
            disable=console.quiet or not (console.is_terminal or console.is_jupyter),
        )
        if console.is_jupyter:
            self.live = NotebookLive(self, console)

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
        """Whether anything is drawn: on a terminal or in a notebook."""
        return not self._progress.disable

    def warn(self, finding: Finding | None) -> None:
        """Say below what is going wrong; None takes the line away."""
        self._progress.below = None if finding is None else warning_line(finding)


@contextmanager
def data_progress(console: Console) -> Iterator[None]:
    """Show how far downloads and the decoding of images have come, on a terminal."""
    columns = [TextColumn("{task.description}"), BarColumn(bar_width=24), TimeRemainingColumn()]
    with Bars(*columns, console=console) as bars:
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
    progress = Bars(*columns, TimeRemainingColumn(compact=True), console=console, expand=True)
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
    progress = Bars(*columns, TimeRemainingColumn(compact=True), console=console, expand=True)
    with progress:
        yield SearchDisplay(progress, progress.add_task("", total=trials, epoch="", best=""), metric_name)


@contextmanager
def counting_display(console: Console, what: str, total: int, done: int = 0) -> Iterator[Callable[[], None]]:
    """Show on a terminal how many of something are done; call what is given for each."""
    columns = [TextColumn(f"{what} {{task.completed:.0f}}/{{task.total:.0f}}"), BarColumn(bar_width=None)]
    with Bars(*columns, console=console, expand=True) as progress:
        task = progress.add_task("", total=total, completed=done)
        yield lambda: progress.advance(task)
