"""What watching costs.

User CPU seconds, and seconds on the clock, of whole processes: `python training.py` against `pellucid diagnose
training.py`, by turns, on trainings of ten seconds and more. What starting takes (loading torch; loading pellucid, and
analysing a training of one step) is measured by itself and taken off both sides; what is left, by what is left of the
plain script, is the overhead, with all that is measured when the script has ended.
"""

import sys
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.measure import ProcessRun, by_turns, run_process, table

ROUNDS = 3
SCRIPT = str(Path(__file__).parent / "watched" / "training.py")
STEPS = {"mlp": 40_000, "cnn": 1_000, "lstm": 1_500, "transformer": 1_500, "gan": 6_000}
"""Of each training: at least ten seconds of one core of 2.5 GHz."""


def compare() -> str:
    """Measure both sides of each training and return the table."""
    rows, overheads = [], []
    for name, steps in STEPS.items():
        sides = {(watched, n): partial(run, name, n, watched) for watched in (False, True) for n in (1, steps)}
        runs = by_turns({f"{watched} {n}": side for (watched, n), side in sides.items()}, ROUNDS)
        plain, watched = (net_seconds(runs[f"{side} {steps}"], runs[f"{side} 1"]) for side in (False, True))
        start = [median(each.cpu_seconds for each in runs[f"{side} 1"]) for side in (False, True)]
        overheads.append([one / other - 1 for one, other in zip(watched, plain, strict=True)])
        rows.append(
            [name, f"{steps:,}", *(f"{seconds:.1f}" for seconds in (plain[0], watched[0], *start))]
            + [f"{overhead:+.1%}" for overhead in overheads[-1]]
        )
    middle = [f"**{median(column):+.1%}**" for column in zip(*overheads, strict=True)]
    rows.append(["median", *[""] * 5, *middle])
    head = ["training", "steps", "plain, s", "watched, s", "start plain, s", "start watched, s", "CPU", "clock"]
    return table(head, rows)


def run(name: str, steps: int, watched: bool) -> ProcessRun:
    """Run one training, plain or watched."""
    how = ["-m", "pellucid", "diagnose", "--quiet"] if watched else []
    return run_process([sys.executable, *how, SCRIPT, name, str(steps)])


def net_seconds(runs: list[ProcessRun], starts: list[ProcessRun]) -> tuple[float, float]:
    """Return the median CPU seconds, and seconds on the clock, beyond those of starting."""
    cpu = median(each.cpu_seconds for each in runs) - median(each.cpu_seconds for each in starts)
    return cpu, median(each.wall_seconds for each in runs) - median(each.wall_seconds for each in starts)
