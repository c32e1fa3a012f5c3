"""A run of pellucid's own, trained again from what its folder says, under a watch: nothing is written into it."""

import contextlib
import tempfile
from pathlib import Path

from rich.console import Console

from pellucid.diagnosis import Diagnosis, EnoughSteps
from pellucid.errors import DivergedError
from pellucid.seed import isolated
from pellucid.training import threads
from pellucid.verbs.again import begin_again
from pellucid.verbs.driving import drive
from pellucid.verbs.run import Run
from pellucid.verbs.watched import Watched


def watch_again(run: Run, steps: int | None, console: Console) -> Diagnosis:
    """Train a run's network again and return what keeps it from learning; a divergence is what is looked for.

    Args:
        run: what was asked.
        steps: to be made at most.
        console: shows the progress.

    Raises:
        RunError: its data or its module was given from Python, or is gone.
    """
    with isolated(), threads(run.asked["threads"]), tempfile.TemporaryDirectory() as name:
        session = begin_again(run)
        folder = Path(name)
        (folder / "checkpoint").mkdir()
        watched = Watched(session, run.plan, steps=steps)
        with contextlib.suppress(EnoughSteps, DivergedError), watched:
            drive(session, folder, float("inf"), None, console, watched)
        return watched.diagnosis() or Diagnosis((), session.progress.step, 0.0)
