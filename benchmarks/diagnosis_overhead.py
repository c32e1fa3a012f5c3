"""What watching costs.

CPU seconds, and seconds on the clock, of whole processes: `python training.py` against `pellucid diagnose training.py`,
by turns, on trainings of ten seconds and more. What starting takes (loading torch; loading pellucid, and analysing a
training of one step) is measured by itself and taken off both sides; what is left, by what is left of the plain
script, is the overhead, with all that is measured when the script has ended. Where the machine is shared, a line is
worth little by itself: two plain runs of `cnn` side by side differed by up to 23 %, and the memory that the C library
gave back to the system and took again in each, by a factor of 40.
`python -m benchmarks.diagnosis_overhead` measures it anew, which takes a quarter of an hour of a quiet machine.
"""

import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.measure import ProcessRun, by_turns, lines_of, run_process, table
from pellucid.record import to_json_line

ROUNDS = 5
MEDIAN, WORST = 0.05, 0.10
RESULTS = Path(__file__).parent / "results" / "diagnosis_overhead.jsonl"
SCRIPT = str(Path(__file__).parent / "watched" / "training.py")
STEPS = {"mlp": 40_000, "cnn": 700, "lstm": 3_500, "transformer": 1_500, "gan": 6_000}
"""Of each training: at least ten seconds of one core of 2.5 GHz."""


def compare() -> str:
    """Return the table of what was measured last; nothing is measured here."""
    lines = lines_of(RESULTS)
    if not lines:
        return "Not measured yet."
    rows = [
        [line["training"], f"{line['steps']:,}"]
        + [f"{line[name]:.1f}" for name in ("plain", "watched", "start_plain", "start_watched")]
        + [f"{line[name]:+.1%}" for name in ("cpu", "clock")]
        for line in lines
    ]
    middle = [f"**{median(line[name] for line in lines):+.1%}**" for name in ("cpu", "clock")]
    rows.append(["median", *[""] * 5, *middle])
    worst = max(line["cpu"] for line in lines)
    reached = median(line["cpu"] for line in lines) <= MEDIAN and worst <= WORST
    verdict = (
        f"Wanted: at most {MEDIAN:.0%} at the median and {WORST:.0%} at worst; {'' if reached else '**not** '}reached."
    )
    head = ["training", "steps", "plain, s", "watched, s", "start plain, s", "start watched, s", "CPU", "clock"]
    return f"{table(head, rows)}\n\n{verdict} Measured on {lines[0]['date']}."


def measure() -> None:
    """Measure both sides of each training, and keep a line of each."""
    lines = []
    for name, steps in STEPS.items():
        sides = {(watched, n): partial(run, name, n, watched) for watched in (False, True) for n in (1, steps)}
        runs = by_turns({f"{watched} {n}": side for (watched, n), side in sides.items()}, ROUNDS)
        plain, watched = (net_seconds(runs[f"{side} {steps}"], runs[f"{side} 1"]) for side in (False, True))
        start = [round(median(each.cpu_seconds for each in runs[f"{side} 1"]), 2) for side in (False, True)]
        line = {
            "training": name,
            "steps": steps,
            "plain": round(plain[0], 2),
            "watched": round(watched[0], 2),
            "start_plain": start[0],
            "start_watched": start[1],
            "cpu": round(watched[0] / plain[0] - 1, 4),
            "clock": round(watched[1] / plain[1] - 1, 4),
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
        }
        lines.append(to_json_line(line))
        print(lines[-1], end="", flush=True)
    RESULTS.write_text("".join(lines), encoding="utf-8")


def run(name: str, steps: int, watched: bool) -> ProcessRun:
    """Run one training, plain or watched."""
    how = ["-m", "pellucid", "diagnose", "--quiet"] if watched else []
    return run_process([sys.executable, *how, SCRIPT, name, str(steps)])


def net_seconds(runs: list[ProcessRun], starts: list[ProcessRun]) -> tuple[float, float]:
    """Return the median CPU seconds, and seconds on the clock, beyond those of starting."""
    cpu = median(each.cpu_seconds for each in runs) - median(each.cpu_seconds for each in starts)
    return cpu, median(each.wall_seconds for each in runs) - median(each.wall_seconds for each in starts)


if __name__ == "__main__":
    measure()
    print(compare())
