"""`pellucid diagnose`: why a network does not learn, seen from a training script that is run as it stands."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pellucid.errors import OptionError, RunError
from pellucid.options import argument, check, command_line, from_keywords, option, rest
from pellucid.verbs.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from pellucid.diagnosis import Diagnosis, Watch
    from pellucid.diagnosis.proof import Proof
    from pellucid.diagnosis.script import Ending, Program


@dataclass(frozen=True, kw_only=True, slots=True)
class DiagnoseOptions:
    """Execute a training script as it stands, and say what keeps its network from learning, where, and what to do."""

    script: str | None = argument("a PyTorch training script, a module with -m, or a run folder of pellucid's own")
    arguments: tuple[str, ...] = rest("the script's own, whatever they look like: everything after SCRIPT")
    module: bool = option(False, "SCRIPT is a module, to be run as `python -m` does", group="What", short="-m")
    steps: int | None = option(None, "end the script after so many optimiser steps", group="What", minimum=1)
    prove: bool = option(
        False, "run the script again with each remedy, for a short while, and keep those that help", group="What"
    )
    quiet: bool = option(False, "print nothing of the findings", group="Output")
    json: str | None = option(
        None, "write the findings to this file, as JSON; standard output is the script's", group="Output"
    )

    def __post_init__(self) -> None:
        """Refuse values out of range, and standard output, which is the script's."""
        check(self)
        if self.json == "-":
            raise OptionError(
                "--json cannot write to standard output: that is the script's",
                expected="a file",
                received="-",
                advice="--json findings.json",
            )


def diagnose(script: str | Path, arguments: Sequence[str] = (), **options: Any) -> Diagnosis:
    """Run a training script in a process of its own, and return what keeps it from learning.

    This executes the script, in the working directory, on this process's standard streams.

    Args:
        script: a file, or the name of a module with `module=True`, or the path of a run folder of pellucid's own.
        arguments: the script's own.
        options: as `pellucid diagnose --help` lists them, with underscores.

    Raises:
        OptionError: there is no such script, or an option that does not exist or does not fit.
        RunError: no diagnosis was left.

    Example:
        >>> found = pellucid.diagnose("train.py", ["--epochs", "3"], steps=500)   # doctest: +SKIP
        >>> found.healthy, [finding.cause for finding in found.findings]           # doctest: +SKIP
    """
    import shlex
    import subprocess
    import sys
    import tempfile
    from pathlib import Path

    from pellucid.diagnosis.script import Program, require

    asked = from_keywords(DiagnoseOptions, {**options, "script": str(script), "arguments": tuple(map(str, arguments))})
    if not (is_run(asked) or asked.module):
        require(Program(str(script)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(asked.json or Path(folder, "findings.json")).absolute()
        line = command_line("diagnose", dataclasses.replace(asked, json=str(path)))
        path.unlink(missing_ok=True)
        ended = subprocess.run([sys.executable, "-m", *shlex.split(line)], check=False)  # noqa: S603 (as asked for)
        if not path.exists():
            raise RunError(f"{script} left no diagnosis", received=f"exit status {ended.returncode}")
        return read_diagnosis(path)


def command(options: DiagnoseOptions, console: Console) -> Outcome:
    """Diagnose as the command line asks; what is found is told, and written, when the script has ended."""
    import functools
    from pathlib import Path

    if options.script is None:
        raise OptionError(
            "there is nothing to diagnose", expected="pellucid diagnose SCRIPT [ARGS...]", received="no SCRIPT"
        )
    if options.json is not None:  # the script may go to another folder
        options = dataclasses.replace(options, json=str(Path(options.json).absolute()))
    if is_run(options):
        return _of_run(options, console)
    from pellucid.diagnosis import EnoughSteps, watch
    from pellucid.diagnosis.script import Program, require, run

    program = Program(str(options.script), options.arguments, options.module)
    require(program)
    watching = watch(steps=options.steps)
    tell = functools.partial(_tell, options, program, watching, Path.cwd(), _stderr())
    return Outcome({}, run(program, watching, tell, EnoughSteps))


def is_run(options: DiagnoseOptions) -> bool:
    """Say whether what is to be diagnosed is a run folder of pellucid's own."""
    from pathlib import Path

    return (
        not options.module and Path(options.script or "").is_dir() and Path(options.script or "", "run.json").exists()
    )


def read_diagnosis(path: Path) -> Diagnosis:
    """Read a diagnosis that `--json` wrote.

    Raises:
        RunError: the file is missing or damaged.
    """
    from pellucid.diagnosis import Diagnosis
    from pellucid.files import as_damage, read_json
    from pellucid.record import read_findings

    document, findings = read_json(path), read_findings(path)
    with as_damage(path):
        return Diagnosis(findings, steps=int(document["steps"]), overhead=float(document["overhead"]))


def _stderr() -> Console:
    """Return a console on what is standard error now: the script may put another stream in its place."""
    import sys

    from rich.console import Console

    return Console(file=sys.stderr, highlight=False)


def _tell(
    options: DiagnoseOptions, program: Program, watch: Watch, folder: Path, console: Console, ending: Ending
) -> None:
    """Write and print what was found of a script that has ended; its exit status is its own, whatever happens here."""
    from pellucid.errors import PellucidError

    console.quiet = options.quiet
    try:
        diagnosis = watch.diagnosis()
        _write(options, diagnosis)  # at once: a proof takes its time, and can be stopped
        proof = None
        if options.prove and not diagnosis.healthy:
            diagnosis, proof = _proven(program, diagnosis, folder, options.steps, console)
            _write(options, diagnosis)
        _print(diagnosis, _headline(program.name, ending, diagnosis), folder, console)
        if proof is not None:
            _print_proof(proof, console)
    except KeyboardInterrupt:
        console.print("diagnosis  stopped before it was done", style="red")
    except (PellucidError, OSError) as error:
        console.print(f"error: {error}", markup=False, style="red", soft_wrap=True)
    except Exception:  # noqa: BLE001 (any fault of ours, which the script has no part in)
        console.print("error: the diagnosis failed by a fault of pellucid's, not of the script's", style="red")
        console.print_exception()


def _write(options: DiagnoseOptions, diagnosis: Diagnosis) -> None:
    from pathlib import Path

    from pellucid.files import write_json

    if options.json is not None:
        write_json(Path(options.json), diagnosis.to_json())


def _proven(
    program: Program, diagnosis: Diagnosis, folder: Path, steps: int | None, console: Console
) -> tuple[Diagnosis, Proof]:
    """Return a diagnosis whose remedies were tried, and what came of it."""
    from pellucid.diagnosis.proof import Budget, prove
    from pellucid.report.findings import noted

    def tell(word: str) -> None:
        console.print(noted("trying", word, console.width), markup=False)

    return prove(program, diagnosis, folder, Budget(steps=steps), tell=tell)


def _print_proof(proof: Proof, console: Console) -> None:
    """Print what all that was kept gains, and what is to be known of it."""
    from pellucid.report.findings import figure, noted

    if proof.before is not None and proof.after is not None:
        together = "; ".join(remedy.action.rstrip(".") for remedy in proof.best)
        gained = f"{proof.before.name} {figure(proof.before.value)} → {figure(proof.after.value)}: {together}"
        console.print(noted("proved", gained, console.width), markup=False)
    for note in proof.notes:
        console.print(noted("", f"- {note}", console.width), markup=False)


def _print(diagnosis: Diagnosis, headline: str, folder: Path, console: Console) -> None:
    from pellucid.report.findings import findings_text

    console.print(findings_text(diagnosis.findings, headline, console.width, str(folder)), soft_wrap=True)


def _headline(name: str, ending: Ending, diagnosis: Diagnosis) -> str:
    """Return how the script ended, and how much was found."""
    came = {
        "finished": "ran to its end",
        "exited": f"ended itself with status {ending.status}",
        "quit": f"quit with status {ending.status}",
        "raised": f"ended with {ending.error}, status {ending.status}",
        "enough": "was ended as asked",
        "interrupted": "was stopped by Ctrl-C",
        "terminated": "was ended by a signal",
    }[ending.how]
    if not diagnosis.steps and not diagnosis.findings:
        return f"{name} {came}, and no training with PyTorch was seen: no optimiser step, and nothing to say of one."
    steps = f"{_steps(diagnosis)}; watching took {diagnosis.overhead:.1%} of its time"
    return f"{name} {came} after {steps}: {_found(diagnosis)}."


def _of_run(options: DiagnoseOptions, console: Console) -> Outcome:
    """Tell what was found of a run of pellucid's own; where nobody looked yet, or for so many steps, look now.

    Raises:
        OptionError: arguments, which only a script takes.
        RunError: it cannot be trained again: its data or its module was given from Python, or is gone.
    """
    from pathlib import Path

    from pellucid.files import write_json
    from pellucid.verbs.run import open_run
    from pellucid.verbs.watching import watch_again

    folder = Path(str(options.script))
    if options.arguments:
        raise OptionError(f"{folder} is a run folder, which takes no arguments", received=" ".join(options.arguments))
    kept, run = folder / "findings.json", open_run(folder)
    if kept.exists() and options.steps is None:
        diagnosis = read_diagnosis(kept)
        how = f"{folder}, as it was trained, {_steps(diagnosis)}"
    else:
        diagnosis = watch_again(run, options.steps, _stderr())
        how = f"{folder}, trained again for {_steps(diagnosis)}"
        if not kept.exists():
            write_json(kept, diagnosis.to_json())
    _write(options, diagnosis)
    _print(diagnosis, f"{how}: {_found(diagnosis)}.", Path.cwd(), console)
    return Outcome({})


def _found(diagnosis: Diagnosis) -> str:
    from pellucid.report.findings import counted_findings

    counted = counted_findings(diagnosis.findings)
    healthy = "nothing was found that keeps it from learning" + (f" ({counted})" if counted else "")
    return healthy if diagnosis.healthy else counted


def _steps(diagnosis: Diagnosis) -> str:
    return "1 step" if diagnosis.steps == 1 else f"{diagnosis.steps:,} steps"
