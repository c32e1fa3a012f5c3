"""What is said on the terminal before and after a training."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from torch import nn

from pellucid.data.dataset import Dataset, describe
from pellucid.judging.seeds import spread
from pellucid.judging.wording import metric
from pellucid.networks import Plan
from pellucid.record import Record, SeedResult
from pellucid.report.numbers import counted, duration, metrics
from pellucid.training.tasks import Task


def data_lines(data: Dataset) -> str:
    """Return what was read: counts, shape, target, and every note on how."""
    counts = ", ".join(f"{len(rows):,} {name}" for name, rows in data.rows.items())
    lines = [f"data     {data.name}: {counts}; input {data.input_shape}, {describe(data.target)}"]
    return "\n".join([*lines, *_noted(data.notes)])


def network_lines(plan: Plan | None, network: nn.Module, notes: Iterable[str]) -> str:
    """Return the network's arrows and size, and every note on how it was adapted."""
    count = sum(p.numel() for p in network.parameters() if p.requires_grad)
    arrows = type(network).__name__ if plan is None else str(plan)
    return "\n".join([f"network  {arrows}", f"         {count:,} parameters", *_noted(notes)])


def task_line(task: Task, rule: str | None = None) -> str:
    """Return what is learned, by which rule if the loss does not lead it, and what it is judged by."""
    led = f"{task.loss_name} loss" if rule is None else f"learned by the {rule} rule, judged by {task.loss_name} loss"
    return f"task     {task.name}: {led}, best weights by validation {task.metric}"


def result_lines(record: Record, folder: Path, seconds: float, notes: Iterable[str] = (), *, finished: bool) -> str:
    """Return how the training ended, in the order a reader asks: how good, after how much, where it is kept."""
    lines = []
    if record.result is not None:
        scores = {name: value for name, value in record.result.metrics.items() if name != "loss"}
        heading = f"{record.result.split:<8} "
        lines.append(f"{heading}{metrics(scores)} (weights of epoch {record.result.best_epoch})")
    if record.epochs:
        last = record.epochs[-1]
        lines.append(
            f"trained  {counted(last.epoch, 'epoch')}, {counted(last.step, 'step')} in {duration(seconds)};"
            f" training loss {metric('loss', last.loss)}"
        )
    lines += _noted(notes)
    lines.append(f"run      {folder}")
    if not finished:
        lines.append(f"         stopped; go on with: pellucid train --resume {folder}")
    return "\n".join(lines)


def seed_lines(results: Sequence[SeedResult], chosen: str) -> str:
    """Return what came of all seeds: mean and interval of each metric, and how far the one that matters spreads.

    Args:
        results: one a seed, the run's own first.
        chosen: the metric that chose the best weights.
    """
    sound = [result for result in results if not result.ended]
    heading = f"seeds    {len(results)} seeds, {results[0].seed} to {results[-1].seed}"
    if len(sound) < 2:
        return f"{heading}: of all but seed {sound[0].seed} the loss was no longer finite"
    lines = [f"{heading}; mean on the {sound[0].split} split, and its 95 % interval:"]
    for name in sound[0].metrics:
        if name != "loss":
            each = spread(name, [result.metrics[name] for result in sound])
            ends = f"{metric(name, each.low)} to {metric(name, each.high)}"
            lines.append(f"         {name} {metric(name, each.mean)} ({ends})")
    ordered = sorted(sound, key=lambda result: result.metrics[chosen])
    least, most = (f"{metric(chosen, end.metrics[chosen])} (seed {end.seed})" for end in (ordered[0], ordered[-1]))
    notes = [f"{chosen} from {least} to {most}; the run is seed {results[0].seed}"]
    if len(sound) < len(results):
        lost = ", ".join(str(result.seed) for result in results if result.ended)
        notes.append(f"left out, since the loss was no longer finite: seed {lost}")
    return "\n".join([*lines, *_noted(notes)])


def _noted(notes: Iterable[str]) -> list[str]:
    return [f"         - {note}" for note in notes]
