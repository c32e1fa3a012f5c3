"""What watching costs.

CPU seconds, and seconds on the clock, of whole processes: `python training.py` against `pellucid diagnose training.py`,
by turns, on trainings of ten seconds and more. What starting takes (loading torch; loading pellucid, and analysing a
training of one step) is measured by itself and taken off both sides; what is left, by what is left of the plain
script, is the overhead, with all that is measured when the script has ended.

`pellucid diagnose` keeps the memory that a script frees, where the C library would give much of it back after each step
and fetch it again: some scripts run faster for that, and their overhead is below zero. *Kept* is the plain script with
the same setting (`MALLOC_TRIM_THRESHOLD_`, `MALLOC_MMAP_THRESHOLD_`), and *of kept* the overhead against it: what
watching itself costs. The last line is `pellucid train` against `pellucid train --no-diagnosis`.

Where the machine is shared a line is worth little by itself: of `mlp`, whose blocks are small, the plain scripts that
keep their memory and that do not ought to be alike, and differed by 12 %.

`python -m benchmarks.diagnosis_overhead` measures it anew, which takes a quarter of an hour of a quiet machine.
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

ROUNDS = 3
MEDIAN, WORST = 0.05, 0.10
RESULTS = Path(__file__).parent / "results" / "diagnosis_overhead.jsonl"
SCRIPT = str(Path(__file__).parent / "watched" / "training.py")
SECONDS = ("plain", "kept", "watched", "start_plain", "start_watched")
OVERHEADS = ("cpu", "clock", "of_kept")
STEPS = {"mlp": 40_000, "cnn": 700, "lstm": 3_500, "transformer": 1_500, "gan": 6_000}
"""Of each training: at least ten seconds of one core of 2.5 GHz."""
EPOCHS = 80
"""Of `pellucid train digits`."""
KEEPING = {"MALLOC_TRIM_THRESHOLD_": str(KEPT), "MALLOC_MMAP_THRESHOLD_": str(LARGEST_KEPT_BLOCK)}


def compare() -> str:
    """Return the table of what was measured last; nothing is measured here."""
    lines = lines_of(RESULTS)
    if not lines:
        return "Not measured yet."
    rows = [
        [line["training"], f"{line['steps']:,}"]
        + [f"{line[name]:.1f}" if name in line else "" for name in SECONDS]
        + [f"{line[name]:+.1%}" if name in line else "" for name in OVERHEADS]
        for line in lines
    ]
    scripts = [line for line in lines if line["training"] in STEPS]
    middle = [f"**{_middle(scripts, name):+.1%}**" if name in scripts[0] else "" for name in OVERHEADS]
    rows.append(["median of the scripts", *[""] * 6, *middle])
    worst = max(line["cpu"] for line in scripts)
    reached = _middle(scripts, "cpu") <= MEDIAN and worst <= WORST
    verdict = (
        f"Wanted of CPU: at most {MEDIAN:.0%} at the median and {WORST:.0%} at worst; "
        f"{'' if reached else '**not** '}reached."
    )
    head = ["training", "steps", "plain, s", "kept, s", "watched, s", "start plain, s", "start watched, s"]
    return f"{table([*head, 'CPU', 'clock', 'of kept'], rows)}\n\n{verdict} Measured on {lines[0]['date']}."


def _middle(lines: list[dict[str, Any]], name: str) -> float:
    return float(median(line[name] for line in lines))


def measure() -> None:
    """Measure all sides of each training, and keep a line of each."""
    lines = []
    for name, steps in STEPS.items():
        sides = {how: partial(run, name, how) for how in ("plain", "kept", "watched")}
        lines.append(_line(name, steps, sides))
    with TemporaryDirectory() as folder:
        sides = {"plain": partial(train, folder, ["--no-diagnosis"]), "watched": partial(train, folder, [])}
        lines.append(_line("pellucid train digits", EPOCHS, sides))
    RESULTS.write_text("".join(map(to_json_line, lines)), encoding="utf-8")


def _line(name: str, steps: int, sides: Mapping[str, Callable[[int], ProcessRun]]) -> dict[str, Any]:
    whole = {(how, length): partial(side, length) for how, side in sides.items() for length in (1, steps)}
    runs = by_turns({f"{how} {length}": side for (how, length), side in whole.items()}, ROUNDS)
    cpu, clock = (
        {how: seconds(runs[f"{how} {steps}"]) - seconds(runs[f"{how} 1"]) for how in sides}
        for seconds in (cpu_seconds, clock_seconds)
    )
    start = {f"start_{how}": cpu_seconds(runs[f"{how} 1"]) for how in sides if how != "kept"}
    overheads = {"cpu": cpu["watched"] / cpu["plain"] - 1, "clock": clock["watched"] / clock["plain"] - 1}
    if "kept" in cpu:
        overheads["of_kept"] = cpu["watched"] / cpu["kept"] - 1
    figures = {each: round(value, 4) for each, value in (cpu | start | overheads).items()}
    line = {"training": name, "steps": steps} | figures | {"date": f"{datetime.now(UTC):%Y-%m-%d}"}
    print(to_json_line(line), end="", flush=True)
    return line


def run(name: str, how: str, steps: int) -> ProcessRun:
    """Run one training: plain, kept or watched."""
    watching = ["-m", "pellucid", "diagnose", "--quiet"] if how == "watched" else []
    return run_process([sys.executable, *watching, SCRIPT, name, str(steps)], KEEPING if how == "kept" else None)


def train(folder: str, options: list[str], epochs: int) -> ProcessRun:
    """Run a training of our own."""
    command = [sys.executable, "-m", "pellucid", "train", "digits", "--epochs", str(epochs), "--folder", folder]
    return run_process([*command, *options])


def cpu_seconds(runs: list[ProcessRun]) -> float:
    """Return the median CPU seconds."""
    return median(each.cpu_seconds for each in runs)


def clock_seconds(runs: list[ProcessRun]) -> float:
    """Return the median seconds on the clock."""
    return median(each.wall_seconds for each in runs)


if __name__ == "__main__":
    measure()
    print(compare())
