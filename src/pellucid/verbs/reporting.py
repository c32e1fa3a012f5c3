"""A run gathered for its report: what was asked, what happened, the network, the data and how it is judged."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.errors import DataError, PellucidError, RunError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from pellucid.data import Dataset
    from pellucid.judging.judgement import Concern, Judgement
    from pellucid.judging.learning_curve import LearningCurve
    from pellucid.networks.through_time import Reach
    from pellucid.report.subject import Part, Subject, Times
    from pellucid.verbs.run import Run
    from pellucid.verbs.study import Study

_ROWS_FOR_REACH = 16  # a gradient through time costs as much as a step of training, for each direction


def write_report(subject: Subject, path: Path) -> Path:
    """Write a run's report whole or not at all and return where it lies; see `Run.report`."""
    from pellucid.report.page import page

    return write_page(path, page(subject))


def is_reported(ended: Run | Study) -> bool:
    """Whether its report is written, or was not asked for: a process may be lost between its work and that."""
    return bool(ended.asked["options"].get("no_report")) or (ended.folder / "report.html").exists()


def write_page(target: Path, text: str) -> Path:
    """Write a page whole or not at all, and return where it lies.

    Raises:
        RunError: it cannot be written there.
    """
    from pellucid.files import write_bytes

    write_bytes(target, text.encode("utf-8"))
    return target


def subject_of(
    run: Run,
    *,
    judgement: Judgement | None = None,
    judgements: Mapping[str, Judgement] | None = None,
    data: Dataset | None = None,
    network: nn.Module | None = None,
    learning_curve: LearningCurve | None = None,
) -> Subject:
    """Return a run as its page tells it; what is missing is said there, not raised."""
    from pellucid.data import Several
    from pellucid.networks import parse
    from pellucid.options import differing
    from pellucid.report.subject import Subject
    from pellucid.training.tasks import is_judged_by_rows

    unjudged = ""
    # a judgement without facts of the data is one of other rows, whose numbers mean nothing in the run's own data
    if data is None and (judgement is None or judgement.facts is not None):
        try:
            data = run.data()
        except (DataError, RunError) as error:
            unjudged = _said(error)
    specimens = reach = None
    if data is not None and run.record.result is not None:
        reach = _reach(run, data)
    if judgement is None and not judgements and data is not None and run.record.result is not None:
        if is_judged_by_rows(run.target):
            judgement, unjudged = _judged(run, data, network)
        elif isinstance(run.target, Several):
            judgements, unjudged = _judged_each(run, data, network)
        else:
            specimens = run.specimens(data, network=copy.deepcopy(network))
    command, options = command_of(run)
    arrows = run.asked["network"]["arrows"]
    return Subject(
        title=run.folder.resolve().name,
        folder=str(run.folder),
        command=command,
        changed=differing(options),
        asked=run.asked,
        target=run.target,
        record=run.record,
        times=_times(run.folder / "timing.jsonl"),
        zeros=_zeros(run),
        plan=None if arrows is None else parse(arrows),
        parts=() if arrows is not None else _parts(run, network),
        judgement=judgement,
        judgements=judgements or {},
        unjudged=unjudged,
        data=data,
        findings=run.findings,
        learning_curve=learning_curve,
        specimens=specimens,
        concerns=_concerns(run, network) if run.record.result is not None else (),
        reach=reach,
        seeds=run.seeds,
    )


def command_of(run: Run) -> tuple[str | None, Any]:
    """Return the shell command that trains such a network again, and its options.

    The command is None where the data or the network was given from Python. Where the run is kept, and how much is
    printed meanwhile, are left out: they change nothing that is learned.
    """
    from pellucid.options import command_line, from_stored
    from pellucid.verbs.train import TrainOptions

    source, network = run.asked["data"], run.asked["network"]
    usual = TrainOptions()
    # what data was read with stands with the data: it may have been loaded from Python before the training
    stored = {**run.asked["options"], **source["options"], "data": source["location"] or None}
    options = dataclasses.replace(
        from_stored(TrainOptions, stored),
        name=None,
        folder=usual.folder,
        resume=None,
        quiet=False,
        checkpoint_seconds=usual.checkpoint_seconds,
        checkpoint_epochs=None,
    )
    nameless = source["kind"] == "memory" or network["arrows"] is None
    return None if nameless else command_line("train", options), options


def _judged(run: Run, data: Dataset, network: nn.Module | None) -> tuple[Judgement | None, str]:
    """Return how the network does on the rows kept out of its training, or why that cannot be known."""
    try:
        return run.judge(data, network=copy.deepcopy(network)), ""  # the user's module keeps the weights it has
    except PellucidError as error:
        return None, _said(error)


def _judged_each(run: Run, data: Dataset, network: nn.Module | None) -> tuple[dict[str, Judgement], str]:
    """Return how the network does on each of several targets, or why that cannot be known."""
    try:
        return run.judge_each(data, network=copy.deepcopy(network)), ""
    except PellucidError as error:
        return {}, _said(error)


def _concerns(run: Run, network: nn.Module | None) -> tuple[Concern, ...]:
    """Return what is wrong with a network that is not judged row by row."""
    from pellucid.judging.memories import memory_concerns

    if not run.recalls:
        return ()
    return memory_concerns(run.model() if network is None else run.with_weights(copy.deepcopy(network)))


def _reach(run: Run, data: Dataset) -> Reach | None:
    """Return how far back a recurrent network's gradient reaches, before its training and after it."""
    import torch

    from pellucid.networks import build, parse
    from pellucid.networks.through_time import Reach, reach_within, recurrent_blocks
    from pellucid.training.evaluation import held_out

    arrows = run.asked["network"]["arrows"]
    rows = data.rows[held_out(data)]
    if arrows is None or not len(rows):
        return None
    initial = build(parse(arrows), run.recipe.seed).eval()
    if not recurrent_blocks(initial):
        return None
    rows = rows[torch.linspace(0, len(rows) - 1, min(len(rows), _ROWS_FOR_REACH)).long()]
    inputs, _ = data.batch(rows)
    before, after = (reach_within(network, inputs) for network in (initial, run.model()))
    if before is None or after is None:
        return None
    return Reach(tuple(after.tolist()), tuple(before.tolist()), len(rows))


def _said(error: PellucidError) -> str:
    return f"{error.message}." + (f" To do: {error.advice}." if error.advice else "")


def _times(path: Path) -> Times:
    """Return what timing.jsonl tells; an epoch trained again after a crash counts each time it was trained."""
    from pellucid.files import as_damage, read_lines
    from pellucid.report.subject import Times

    lines = read_lines(path)
    with as_damage(path):
        begun = next((str(line["at"]) for line in lines if line["kind"] == "begin"), None)
        epochs = [line for line in lines if line["kind"] == "epoch"]
        seconds = sum(float(line["seconds"]) for line in epochs)
        speeds = sorted(float(line["samples_per_second"]) for line in epochs)
    return Times(begun, seconds, speeds[len(speeds) // 2] if speeds else None)


def _zeros(run: Run) -> tuple[int, int] | None:
    """Return how many weights an l1 penalty made exactly 0, and of how many; None where none was asked for."""
    from pellucid.training.checkpoint import load_weights

    if not run.asked["recipe"].get("l1"):
        return None
    try:
        weights = load_weights(run.folder / "weights.safetensors")
    except RunError:
        return None
    matrices = [weight for weight in weights.values() if weight.ndim > 1]
    count = sum(weight.numel() for weight in matrices)
    return (sum(int((weight == 0).sum()) for weight in matrices), count) if count else None


def _parts(run: Run, network: nn.Module | None) -> tuple[Part, ...]:
    """Return the parts of a module of the user's own: from the module itself, else from the weights that it left."""
    from pellucid.report.subject import Part
    from pellucid.training.checkpoint import load_weights

    if network is not None:
        return tuple(
            Part(
                name,
                type(child).__name__,
                sum(p.numel() for p in child.parameters(recurse=False)),
                ", ".join("x".join(map(str, p.shape)) for p in child.parameters(recurse=False)),
            )
            for name, child in network.named_modules()
            if name and (not list(child.children()) or list(child.parameters(recurse=False)))
        )
    try:
        weights = load_weights(run.folder / "weights.safetensors")
    except RunError:
        return ()
    return tuple(
        Part(name, "tensor", w.numel(), "x".join(map(str, w.shape)) or "one number") for name, w in weights.items()
    )
