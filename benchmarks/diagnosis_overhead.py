"""What watching costs.

CPU seconds, and seconds on the clock, of whole processes: `python training.py` and `pellucid diagnose training.py` at
the same time, each on a core of its own, then with the cores changed, on trainings of about ten seconds. What
starting takes (loading torch; loading pellucid, and analysing a training of one step) is measured in the same way and
taken off both sides; what is left, by what is left of the plain script, is the overhead, with all that is measured when
the script has ended. *Alike* is the plain script beside itself, least and most: what a line can be wrong by.

`pellucid diagnose` keeps the memory that a script frees, where the C library would give much of it back after each step
and fetch it again: some scripts run faster for that, and their overhead is below zero. *Of kept* is the overhead
against the plain script with the same setting (`MALLOC_TRIM_THRESHOLD_`, `MALLOC_MMAP_THRESHOLD_`): what watching
itself costs. The last line is `pellucid train` against `pellucid train --no-diagnosis`.

`python -m benchmarks.diagnosis_overhead` measures it anew: twenty minutes of a quiet machine with two cores.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.measure import ProcessRun, Program, lines_of, run_side_by_side, table
from pellucid.memory import KEPT, LARGEST_KEPT_BLOCK
from pellucid.record import to_json_line

ROUNDS = 4
"""An even number, since the sides change cores each round."""
MEDIAN, WORST = 0.05, 0.10
RESULTS = Path(__file__).parent / "results" / "diagnosis_overhead.jsonl"
SCRIPT = str(Path(__file__).parent / "watched" / "training.py")
SECONDS = ("plain", "watched", "start_plain", "start_watched")
OVERHEADS = ("cpu", "clock", "of_kept")
STEPS = {"mlp": 48_000, "cnn": 700, "lstm": 4_500, "transformer": 1_500, "gan": 8_000}
"""Of each training: about ten seconds of one core."""
EPOCHS = 80
"""Of `pellucid train digits`."""
KEEPING = {"MALLOC_TRIM_THRESHOLD_": str(KEPT), "MALLOC_MMAP_THRESHOLD_": str(LARGEST_KEPT_BLOCK)}

Side = Callable[[int], Program]
"""The program that trains for so many steps, or epochs."""


def compare() -> str:
    """Return the table of what was measured last; nothing is measured here."""
    lines = lines_of(RESULTS)
    if not lines:
        return "Not measured yet."
    rows = [
        [line["training"], f"{line['steps']:,}"]
        + [f"{line[name]:.1f}" for name in SECONDS]
        + ["{:+.0%} to {:+.0%}".format(*line["alike"])]
        + [f"{line[name]:+.1%}" if name in line else "" for name in OVERHEADS]
        for line in lines
    ]
    scripts = [line for line in lines if line["training"] in STEPS]
    middle = {name: median(line[name] for line in scripts) for name in OVERHEADS}
    rows.append(["median of the scripts", *[""] * 6, *(f"**{each:+.1%}**" for each in middle.values())])
    reached = middle["cpu"] <= MEDIAN and max(line["cpu"] for line in scripts) <= WORST
    verdict = (
        f"Wanted of CPU: at most {MEDIAN:.0%} at the median and {WORST:.0%} at worst; "
        f"{'' if reached else '**not** '}reached."
    )
    head = ["training", "steps", "plain, s", "watched, s", "start plain, s", "start watched, s", "alike"]
    return f"{table([*head, 'CPU', 'clock', 'of kept'], rows)}\n\n{verdict} Measured on {lines[0]['date']}."


def measure() -> None:
    """Measure each training, plain and watched, and keep a line of each."""
    lines = [_line(name, steps, _script_pairs(name)) for name, steps in STEPS.items()]
    with TemporaryDirectory() as folder:
        lines.append(_line("pellucid train digits", EPOCHS, _train_pairs(folder)))
    RESULTS.write_text("".join(map(to_json_line, lines)), encoding="utf-8")


def _script_pairs(name: str) -> dict[str, tuple[Side, Side]]:
    def program(watching: list[str], settings: dict[str, str], steps: int) -> Program:
        return [sys.executable, *watching, SCRIPT, name, str(steps)], settings

    plain, kept = partial(program, [], {}), partial(program, [], KEEPING)
    watched = partial(program, ["-m", "pellucid", "diagnose", "--quiet"], {})
    return {"alike": (plain, plain), "watched": (plain, watched), "of kept": (kept, watched)}


def _train_pairs(folder: str) -> dict[str, tuple[Side, Side]]:
    def program(options: list[str], epochs: int) -> Program:
        command = [sys.executable, "-m", "pellucid", "train", "digits", "--folder", folder, "--epochs", str(epochs)]
        return [*command, *options], {}

    plain, watched = partial(program, ["--no-diagnosis"]), partial(program, [])
    return {"alike": (plain, plain), "watched": (plain, watched)}


@dataclass(frozen=True)
class Beside:
    """Two programs side by side, and the same two trained for one step: what starting takes."""

    first: ProcessRun
    second: ProcessRun
    first_start: ProcessRun
    second_start: ProcessRun

    def overhead(self, seconds: Callable[[ProcessRun], float]) -> float:
        """Return what the second takes more than the first, by what the first takes; starting apart."""
        first = seconds(self.first) - seconds(self.first_start)
        second = seconds(self.second) - seconds(self.second_start)
        return second / first - 1


def _line(name: str, steps: int, pairs: Mapping[str, tuple[Side, Side]]) -> dict[str, Any]:
    runs: dict[str, list[Beside]] = {pair: [] for pair in pairs}
    for turn in range(ROUNDS):
        for pair, sides in pairs.items():
            runs[pair].append(_side_by_side(*sides, steps, swapped=turn % 2 == 1))
    alike = [round(each.overhead(_cpu), 4) for each in runs["alike"]]
    watched = runs["watched"]
    figures = {
        "plain": median(_cpu(each.first) - _cpu(each.first_start) for each in watched),
        "watched": median(_cpu(each.second) - _cpu(each.second_start) for each in watched),
        "start_plain": median(_cpu(each.first_start) for each in watched),
        "start_watched": median(_cpu(each.second_start) for each in watched),
        "cpu": median(each.overhead(_cpu) for each in watched),
        "clock": median(each.overhead(_clock) for each in watched),
    }
    if "of kept" in runs:
        figures["of_kept"] = median(each.overhead(_cpu) for each in runs["of kept"])
    rounded = {key: round(figure, 4) for key, figure in figures.items()}
    line = {"training": name, "steps": steps, "alike": (min(alike), max(alike))} | rounded
    line["date"] = f"{datetime.now(UTC):%Y-%m-%d}"
    print(to_json_line(line), end="", flush=True)
    return line


def _side_by_side(first: Side, second: Side, steps: int, *, swapped: bool) -> Beside:
    order = -1 if swapped else 1
    both = (first(steps), second(steps))[::order]
    starts = (first(1), second(1))[::order]
    return Beside(*run_side_by_side(both)[::order], *run_side_by_side(starts)[::order])


def _cpu(run: ProcessRun) -> float:
    return run.cpu_seconds


def _clock(run: ProcessRun) -> float:
    return run.wall_seconds


if __name__ == "__main__":
    measure()
    print(compare())
