"""What watching costs.

CPU seconds of whole processes: `python training.py` and `pellucid diagnose training.py` on one core, each for a quarter
of a second in turn, so that a slow minute is slow for both; on trainings of more than ten seconds. What starting takes
(loading torch; loading pellucid, and analysing a training of one step) is measured in the same way and taken off both
sides; what is left, by what is left of the plain script, is the overhead, with all that is measured when the script has
ended. *Alike* is the plain script beside itself, least and most: what a line can be wrong by.

`pellucid diagnose` keeps the memory that a script frees, where the C library would give much of it back after each step
and fetch it again: some scripts run faster for that, and their overhead is below zero. *Of kept* is the overhead
against the plain script with the same setting (`MALLOC_TRIM_THRESHOLD_`, `MALLOC_MMAP_THRESHOLD_`): what watching
itself costs. The last line is `pellucid train` against `pellucid train --no-diagnosis`.

`python -m benchmarks.diagnosis_overhead [TRAINING ...]` measures it anew, of all trainings or of some.
"""

import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.measure import Program, lines_of, run_in_turns, table
from pellucid.files import to_json_line
from pellucid.memory import KEPT, LARGEST_KEPT_BLOCK

ROUNDS = 3
MEDIAN, WORST = 0.05, 0.10
RESULTS = Path(__file__).parent / "results" / "diagnosis_overhead.jsonl"
SCRIPT = str(Path(__file__).parent / "watched" / "training.py")
SECONDS = ("plain", "watched", "start_plain", "start_watched")
OVERHEADS = ("cpu", "of_kept")
STEPS = {"mlp": 67_000, "cnn": 1_000, "lstm": 6_300, "transformer": 2_100, "gan": 11_200}
"""Of each training: more than ten seconds of one core, of a fast one too."""
TRAIN = "pellucid train digits"
EPOCHS = 80
KEEPING = {"MALLOC_TRIM_THRESHOLD_": str(KEPT), "MALLOC_MMAP_THRESHOLD_": str(LARGEST_KEPT_BLOCK)}

Side = Callable[[int], Program]
"""The program that trains for so many steps, or epochs."""


def compare() -> str:
    """Return the table of what was measured last; nothing is measured here."""
    lines = lines_of(RESULTS)
    if not lines:
        return "Not measured yet."
    day = lines[0]["date"]
    rows = [
        [line["training"] + (f", on {line['date']}" if line["date"] != day else ""), f"{line['steps']:,}"]
        + [f"{line[name]:.1f}" for name in SECONDS]
        + ["{:+.0%} to {:+.0%}".format(*line["alike"])]
        + [f"{line[name]:+.1%}" if name in line else "" for name in OVERHEADS]
        for line in lines
    ]
    scripts = [line for line in lines if line["training"] in STEPS]
    middle = {name: median(line[name] for line in scripts) for name in OVERHEADS}
    rows.append(["median of the scripts", *[""] * 6, *(f"**{each:+.1%}**" for each in middle.values())])
    missing = [name for name in (*STEPS, TRAIN) if name not in {line["training"] for line in lines}]
    reached = middle["cpu"] <= MEDIAN and max(line["cpu"] for line in scripts) <= WORST
    said = f"not measured yet of {', '.join(missing)}" if missing else "reached" if reached else "**not** reached"
    verdict = f"Wanted of CPU: at most {MEDIAN:.0%} at the median and {WORST:.0%} at worst; {said}."
    head = ["training", "steps", "plain, s", "watched, s", "start plain, s", "start watched, s", "alike"]
    return f"{table([*head, 'CPU', 'of kept'], rows)}\n\n{verdict} Measured on {day}."


def measure(names: Collection[str] = ()) -> None:
    """Measure trainings by their names, all by default, plain and watched, and keep a line of each."""
    with TemporaryDirectory() as folder:
        for name in names or (*STEPS, TRAIN):
            pairs = _train_pairs(folder) if name == TRAIN else _script_pairs(name)
            line = _line(name, STEPS.get(name, EPOCHS), pairs)
            kept = {each["training"]: each for each in lines_of(RESULTS)} | {name: line}
            lines = [kept[each] for each in (*STEPS, TRAIN) if each in kept]
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
    """CPU seconds of two programs in turns, and of the same two trained for one step: what starting takes."""

    first: float
    second: float
    first_start: float
    second_start: float

    @property
    def overhead(self) -> float:
        """What the second takes more than the first, by what the first takes; starting apart."""
        return (self.second - self.second_start) / (self.first - self.first_start) - 1


def _line(name: str, steps: int, pairs: Mapping[str, tuple[Side, Side]]) -> dict[str, Any]:
    runs: dict[str, list[Beside]] = {pair: [] for pair in pairs}
    for _ in range(ROUNDS):
        for pair, sides in pairs.items():
            runs[pair].append(_in_turns(*sides, steps))
    alike = [round(each.overhead, 4) for each in runs["alike"]]
    watched = runs["watched"]
    figures = {
        "plain": median(each.first - each.first_start for each in watched),
        "watched": median(each.second - each.second_start for each in watched),
        "start_plain": median(each.first_start for each in watched),
        "start_watched": median(each.second_start for each in watched),
        "cpu": median(each.overhead for each in watched),
    }
    if "of kept" in runs:
        figures["of_kept"] = median(each.overhead for each in runs["of kept"])
    rounded = {key: round(figure, 4) for key, figure in figures.items()}
    line = {"training": name, "steps": steps, "alike": (min(alike), max(alike))} | rounded
    line["date"] = f"{datetime.now(UTC):%Y-%m-%d}"
    print(to_json_line(line), end="", flush=True)
    return line


def _in_turns(first: Side, second: Side, steps: int) -> Beside:
    each = [run.cpu_seconds for length in (steps, 1) for run in run_in_turns((first(length), second(length)))]
    return Beside(*each)


if __name__ == "__main__":
    measure(sys.argv[1:])
    print(compare())
