"""What watching costs.

CPU seconds, and seconds on the clock, of whole processes: `python training.py` and `pellucid diagnose training.py` by
turns, on trainings of about ten seconds. Of each side the least of the rounds counts: what else the machine does can
only add to it. What starting takes (loading torch; loading pellucid, and analysing a training of one step) is measured
in the same way and taken off both sides; what is left, by what is left of the plain script, is the overhead, with all
that is measured when the script has ended. *Alike* is the plain script against itself: what a line can be wrong by.

`pellucid diagnose` keeps the memory that a script frees, where the C library would give much of it back after each step
and fetch it again: some scripts run faster for that, and their overhead is below zero. *Of kept* is the overhead
against the plain script with the same setting (`MALLOC_TRIM_THRESHOLD_`, `MALLOC_MMAP_THRESHOLD_`): what watching
itself costs. The last line is `pellucid train` against `pellucid train --no-diagnosis`.

`python -m benchmarks.diagnosis_overhead` measures it anew: half an hour of a quiet machine.
"""

import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.measure import ProcessRun, by_turns, lines_of, run_process, table
from pellucid.memory import KEPT, LARGEST_KEPT_BLOCK
from pellucid.record import to_json_line

ROUNDS = 6
MEDIAN, WORST = 0.05, 0.10
RESULTS = Path(__file__).parent / "results" / "diagnosis_overhead.jsonl"
SCRIPT = str(Path(__file__).parent / "watched" / "training.py")
SECONDS = ("plain", "watched", "start_plain", "start_watched")
OVERHEADS = ("alike", "cpu", "clock", "of_kept")
STEPS = {"mlp": 48_000, "cnn": 700, "lstm": 4_500, "transformer": 1_500, "gan": 8_000}
"""Of each training: about ten seconds of one core."""
EPOCHS = 80
"""Of `pellucid train digits`."""
KEEPING = {"MALLOC_TRIM_THRESHOLD_": str(KEPT), "MALLOC_MMAP_THRESHOLD_": str(LARGEST_KEPT_BLOCK)}

Side = Callable[[int], ProcessRun]
"""Runs the program that trains for so many steps, or epochs."""


def compare() -> str:
    """Return the table of what was measured last; nothing is measured here."""
    lines = lines_of(RESULTS)
    if not lines:
        return "Not measured yet."
    rows = [
        [line["training"], f"{line['steps']:,}"]
        + [f"{line[name]:.1f}" for name in SECONDS]
        + [f"{line[name]:+.1%}" if name in line else "" for name in OVERHEADS]
        for line in lines
    ]
    scripts = [line for line in lines if line["training"] in STEPS]
    middle = {name: median(line[name] for line in scripts) for name in OVERHEADS}
    rows.append(["median of the scripts", *[""] * 5, *(f"**{each:+.1%}**" for each in middle.values())])
    reached = middle["cpu"] <= MEDIAN and max(line["cpu"] for line in scripts) <= WORST
    verdict = (
        f"Wanted of CPU: at most {MEDIAN:.0%} at the median and {WORST:.0%} at worst; "
        f"{'' if reached else '**not** '}reached."
    )
    head = ["training", "steps", "plain, s", "watched, s", "start plain, s", "start watched, s", "alike"]
    return f"{table([*head, 'CPU', 'clock', 'of kept'], rows)}\n\n{verdict} Measured on {lines[0]['date']}."


def measure() -> None:
    """Measure each training, plain and watched, and keep a line of each."""
    lines = [_line(name, steps, _script_sides(name)) for name, steps in STEPS.items()]
    with TemporaryDirectory() as folder:
        lines.append(_line("pellucid train digits", EPOCHS, _train_sides(folder)))
    RESULTS.write_text("".join(map(to_json_line, lines)), encoding="utf-8")


def _script_sides(name: str) -> dict[str, Side]:
    def run(watching: list[str], settings: dict[str, str], steps: int) -> ProcessRun:
        return run_process([sys.executable, *watching, SCRIPT, name, str(steps)], settings)

    plain = partial(run, [], {})
    watched = partial(run, ["-m", "pellucid", "diagnose", "--quiet"], {})
    return {"plain": plain, "watched": watched, "alike": plain, "of_kept": partial(run, [], KEEPING)}


def _train_sides(folder: str) -> dict[str, Side]:
    def run(options: list[str], epochs: int) -> ProcessRun:
        command = [sys.executable, "-m", "pellucid", "train", "digits", "--folder", folder, "--epochs", str(epochs)]
        return run_process([*command, "--quiet", *options])

    plain = partial(run, ["--no-diagnosis"])
    return {"plain": plain, "watched": partial(run, []), "alike": plain}


def _line(name: str, steps: int, sides: Mapping[str, Side]) -> dict[str, Any]:
    trained = by_turns({side: partial(run, steps) for side, run in sides.items()}, ROUNDS)
    started = by_turns({side: partial(sides[side], 1) for side in ("plain", "watched")}, ROUNDS)

    def least(seconds: Callable[[ProcessRun], float], side: str) -> float:
        start = "watched" if side == "watched" else "plain"
        return min(map(seconds, trained[side])) - min(map(seconds, started[start]))

    plain, watched = least(_cpu, "plain"), least(_cpu, "watched")
    figures = {
        "plain": plain,
        "watched": watched,
        "start_plain": min(map(_cpu, started["plain"])),
        "start_watched": min(map(_cpu, started["watched"])),
        "alike": least(_cpu, "alike") / plain - 1,
        "cpu": watched / plain - 1,
        "clock": least(_clock, "watched") / least(_clock, "plain") - 1,
    }
    if "of_kept" in sides:
        figures["of_kept"] = watched / least(_cpu, "of_kept") - 1
    line = {"training": name, "steps": steps} | {key: round(figure, 4) for key, figure in figures.items()}
    line["date"] = f"{datetime.now(UTC):%Y-%m-%d}"
    print(to_json_line(line), end="", flush=True)
    return line


def _cpu(run: ProcessRun) -> float:
    return run.cpu_seconds


def _clock(run: ProcessRun) -> float:
    return run.wall_seconds


if __name__ == "__main__":
    measure()
    print(compare())
