"""A training driven to its end, and what is said of it then: the result, what went wrong, other seeds, the report."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text
from torch import nn

from pellucid.errors import DivergedError, PellucidError, RunError
from pellucid.files import json_text, write_json
from pellucid.formats.tensorboard import TensorBoardLogs
from pellucid.networks import Plan
from pellucid.options import flat_values
from pellucid.report.findings import warning_line
from pellucid.report.judgement import verdict_lines
from pellucid.report.text import result_lines, seed_lines
from pellucid.training.ranks import Ranks
from pellucid.training.session import Session
from pellucid.training.tasks import MultiTask, Supervised
from pellucid.verbs.driving import drive, drive_along
from pellucid.verbs.folder import WARNINGS
from pellucid.verbs.run import Run, open_run
from pellucid.verbs.seeds import train_other_seeds, wanted_seeds
from pellucid.verbs.watched import Watched


def drive_and_tell(
    session: Session,
    plan: Plan | None,
    folder: Path,
    options: Mapping[str, Any],
    console: Console,
    own: nn.Module | None,
) -> Run:
    """Train to the end or to Ctrl-C, and say how it ended.

    Args:
        session: at its beginning, or restored.
        plan: its network, or None for a module of the user's own.
        folder: of the run.
        options: as the command line has them.
        console: is told.
        own: a module of the user's own as it was in the beginning, where other seeds are to begin with it too.
    """
    if not session.ranks.is_first:
        finished = drive_along(session)
        session.ranks.meet()  # when the first has written what came of it
        run = open_run(folder)
        if finished:
            conclude(run, session, own, console, session.ranks)
        return run
    began, known = time.perf_counter(), session.rule.notes(session)
    is_wanted = not options.get("no_diagnosis")
    if is_wanted and session.is_shared_out:
        console.print("findings not looked for: of a network that is shared out no process sees the weights whole")
    watched = Watched(session, plan, wanted=is_wanted and not session.is_shared_out)
    seconds, epochs = options["checkpoint_seconds"], options["checkpoint_epochs"]
    try:
        with watched:
            finished = drive(session, folder, seconds, epochs, console, watched, _logs(session, plan, folder, options))
    except DivergedError:
        _diagnose(watched, folder, console)
        raise
    session.ranks.meet()
    run = open_run(folder)
    seconds = time.perf_counter() - began
    said = [note for note in session.rule.notes(session) if note not in known]
    console.print(result_lines(run.record, folder, seconds, said, finished=finished), markup=False)
    if finished:
        _diagnose(watched, folder, console)
        conclude(run, session, own, console, session.ranks)
    return run


def _logs(session: Session, plan: Plan | None, folder: Path, options: Mapping[str, Any]) -> TensorBoardLogs | None:
    """Return the logs that were asked for, from the step on where the training stands."""
    if not options.get("tensorboard"):
        return None
    network = type(session.network).__name__ if plan is None else str(plan)
    texts = {"network": network, "recipe": json_text(flat_values(session.recipe))}
    return TensorBoardLogs(folder / "tensorboard", session.progress.step, texts)


def conclude(run: Run, session: Session, own: nn.Module | None, console: Console, ranks: Ranks) -> None:
    """Train the other seeds of a finished run where there are to be any, say how that went, and write the report."""
    options = run.asked["options"]
    if len(wanted_seeds(run)) > 1:
        if not train_other_seeds(run, session, own, console, ranks):
            console.print(f"         stopped; go on with: pellucid train --resume {run.folder}", markup=False)
            return
        console.print(seed_lines(run.seeds, session.task.metric), markup=False)
    if ranks.is_first and not options.get("no_report"):
        _report(run, session, console)


def _diagnose(watched: Watched, folder: Path, console: Console) -> None:
    """Write findings.json and say what is wrong; a training that succeeded does not fail by it."""
    try:
        diagnosis = watched.diagnosis()
    except Exception as error:  # noqa: BLE001  (any fault of the diagnosis, which the training has no part in)
        console.print(f"findings none: the diagnosis failed by a fault of pellucid's: {error!r}", markup=False)
        return
    if diagnosis is None:
        return
    write_json(folder / "findings.json", diagnosis.to_json())
    (folder / WARNINGS).unlink(missing_ok=True)
    for number, finding in enumerate(diagnosis.findings):
        if finding.severity != "info":
            line = warning_line(finding)
            console.print(Text("findings " if number == 0 else "         ").append(line))


def _report(run: Run, session: Session, console: Console) -> None:
    """Judge the network, say the verdict and write report.html; a training that succeeded does not fail by it.

    Raises:
        RunError: there is no report because there is no run any more.
    """
    module = session.network if run.asked["network"]["arrows"] is None else None
    try:
        judgement, judgements = None, {}
        if isinstance(session.task, Supervised):
            judgement = run.judge(session.data, network=module)
            console.print(verdict_lines(judgement), markup=False)
        elif isinstance(session.task, MultiTask):
            judgements = run.judge_each(session.data, network=module)
            for name, each in judgements.items():
                console.print(f"target   {name}\n{verdict_lines(each)}", markup=False)
        page = run.report(judgement=judgement, judgements=judgements, data=session.data, network=module)
        console.print(f"report   {page}", markup=False)
    except PellucidError as error:
        if not (run.folder / "run.json").exists():
            raise RunError(
                f"{run.folder} is gone, and what was trained with it",
                expected="the run's folder",
                received="none",
                advice="see what deletes it, and train again",
            ) from None
        console.print(f"report   none: {error}", markup=False)
