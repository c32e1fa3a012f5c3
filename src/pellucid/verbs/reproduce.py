"""`pellucid reproduce`: a run trained once more, and compared bit for bit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pellucid.errors import OptionError, RunError
from pellucid.options import argument, check, from_keywords, option
from pellucid.verbs.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console
    from torch import nn

    from pellucid.verbs.run import Run

DIFFERS = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class ReproduceOptions:
    """Train a run once more from what its folder says, and compare record and weights bit for bit."""

    run: str | None = argument("run folder of a finished training")
    threads: int | None = option(None, "CPU threads (default: as many as then)", group="Machine", minimum=1)
    device: str | None = option(None, "cpu, cuda, mps (default: as then)", group="Machine")
    quiet: bool = option(False, "print nothing", group="Run")

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        check(self)


@dataclass(frozen=True, slots=True)
class Reproduction:
    """How a training done once more compares with the first.

    Attributes:
        run: the first one's folder.
        same: whether record and weights are the same to the last bit.
        differences: what came out otherwise: the first event that differs, and the weights.
        environment: what is otherwise here: versions, threads, processor, device.
    """

    run: str
    same: bool
    differences: tuple[str, ...]
    environment: tuple[str, ...]


def reproduce(
    run: str | Path | Run, data: object = None, network: nn.Module | None = None, **options: Any
) -> Reproduction:
    """Train a run again and compare.

    Args:
        run: a finished run, or the path of its folder.
        data: for a run on data given from Python: the same data.
        network: for a run on a module of your own: the same module with the weights it began with.
        options: `threads`, `device` and `quiet`.

    Raises:
        RunError: the run is not finished; or the data, or the weights it begins with, are not those of then.
    """
    from rich.console import Console

    from pellucid.verbs.run import Run, open_run

    asked = from_keywords(ReproduceOptions, options)
    opened = run if isinstance(run, Run) else open_run(run)
    return _reproduce(opened, data, network, asked, Console(quiet=asked.quiet, highlight=False, soft_wrap=True))


def command(options: ReproduceOptions, console: Console) -> Outcome:
    """Reproduce as the command line asks."""
    from pellucid.verbs.run import open_run

    if options.run is None:
        raise OptionError("there is no run to reproduce", expected="pellucid reproduce RUN", received="no RUN")
    outcome = _reproduce(open_run(options.run), None, None, options, console)
    return Outcome(asdict(outcome), status=0 if outcome.same else DIFFERS)


def _reproduce(
    run: Run, data: object, module: nn.Module | None, options: ReproduceOptions, console: Console
) -> Reproduction:
    import tempfile
    from pathlib import Path

    from pellucid.seed import isolated
    from pellucid.training import threads
    from pellucid.verbs.again import begin_again, require_same_beginning
    from pellucid.verbs.driving import drive
    from pellucid.verbs.environment import differences, environment

    if run.record.result is None:
        raise RunError(
            f"{run.folder} is not finished: there is no end to compare with",
            advice=f"finish it first: pellucid train --resume {run.folder}",
        )
    with isolated(), threads(options.threads or run.asked["threads"]), tempfile.TemporaryDirectory() as name:
        session = begin_again(run, data, module, options.device)
        require_same_beginning(run, session)
        other = tuple(differences(run.asked, environment(session.device.device)))
        folder = Path(name)
        (folder / "checkpoint").mkdir()
        if not drive(session, folder, float("inf"), None, console):
            raise RunError("stopped before the end: there is nothing to compare")
        found = tuple(_compare(run.folder, folder))
    outcome = Reproduction(str(run.folder), not found, found, other)
    console.print(_said(outcome), markup=False)
    return outcome


def _compare(first: Path, second: Path) -> Iterator[str]:
    """Yield the first event of the record that came out otherwise, then what became of the weights."""
    from itertools import zip_longest

    from pellucid.files import from_json_line
    from pellucid.training.checkpoint import load_weights

    lines = [(folder / "record.jsonl").read_text(encoding="utf-8").splitlines() for folder in (first, second)]
    for number, (then, now) in enumerate(zip_longest(*lines, fillvalue="{}"), start=1):
        if then != now:
            before, after = from_json_line(then), from_json_line(now)
            fields = [name for name in before | after if before.get(name) != after.get(name)]
            values = ", ".join(f"{name} {before.get(name)} then, {after.get(name)} now" for name in fields)
            yield f"first in line {number} of record.jsonl (step {(before | after).get('step', 'none')}): {values}"
            break
    weights = [load_weights(folder / "weights.safetensors") for folder in (first, second)]
    pairs = {name: (weights[0][name], weights[1].get(name)) for name in weights[0]}
    differing = [(before, after) for before, after in pairs.values() if after is None or not before.equal(after)]
    if differing:
        largest = max(
            (before.double() - after.double()).abs().max().item() for before, after in differing if after is not None
        )
        yield f"{len(differing)} of {len(pairs)} tensors of weights, by up to {largest:.2g}"


def _said(outcome: Reproduction) -> str:
    """Return the verdict in words."""
    if outcome.same:
        though = f", though here {'; '.join(outcome.environment)}" if outcome.environment else ""
        return f"same     {outcome.run}: the same record and the same weights, bit for bit{though}"
    shown = [f"         - {line}" for line in outcome.differences]
    reason = (
        "what is otherwise here: " + "; ".join(outcome.environment)
        if outcome.environment
        else "versions, threads and data are the same: a device whose kernels are not deterministic, or a fault of ours"
    )
    return "\n".join([f"differs  {outcome.run} came out otherwise", *shown, f"         {reason}"])
