"""Diagnosis: faults found, causes named, and healthy scripts left alone.

Every case is a plain PyTorch script with a fault, and the same script without it; some have no fault at all. Each is
run by `pellucid diagnose --json` in a process of its own, with the seeds 0, 1 and 2. *Found*: at least one finding that
is critical or a warning, of the scripts with a fault; *false alarms*: the same of those without. *First* and *top-3*:
one of the causes that the fix removes, or that an expert could fairly name as well, stands first, or among the first
three. *Precision*: share of the causes named that are such causes; *recall*: share of the causes that are named.

    python -m benchmarks.diagnosis [CASE ...] [--seeds 0,1,2] [--jobs 1] [--cases FOLDER] [--fresh] [--early] [--show]
"""

import argparse
import math
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.case_runs import Case, Job, Said, beside, cases, folders, said_of, saying
from benchmarks.measure import table
from pellucid.files import to_json_line
from pellucid.record import Finding
from pellucid.report.findings import findings_text

SEEDS = (0, 1, 2)
RESULTS = Path(__file__).parent / "results" / "diagnosis.jsonl"
CONFIDENCES = (0.0, 0.6, 0.7, 0.8, 0.9)
"""Where the ranges of confidence begin that are compared with how often it is right."""
GOALS = {
    "found": ("at least 95 %", 0.95),
    "false alarms": ("at most 5 %", 0.05),
    "first": ("at least 75 %", 0.75),
    "top-3": ("at least 90 %", 0.90),
    "precision": ("at least 0.80", 0.80),
    "recall": ("at least 0.70", 0.70),
}


@dataclass(frozen=True)
class Scores:
    """How well some answers to the cases do; shares of the runs, of 1."""

    found: float
    false_alarms: float
    first: float
    top_3: float
    precision: float
    recall: float


Answer = Callable[[Said], Sequence[str]]


def scores(said: Iterable[Said], named: Answer = lambda each: each.causes, alarms: Answer | None = None) -> Scores:
    """Return how the answers do, by default the diagnosis's."""
    alarms = alarms or (lambda each: each.alarms)
    faulty = [each for each in said if each.job.script == "buggy"]
    sound = [each for each in said if each.job.script == "fixed"]
    right, all_named, expected = 0, 0, 0
    recalled, first, top = 0, 0, 0
    for each in faulty:
        case, causes = each.job.case, list(dict.fromkeys(named(each)))
        fair = {*case.causes, *case.accept}
        right += sum(cause in fair for cause in causes)
        all_named += len(causes)
        recalled += sum(cause in causes for cause in case.causes)
        expected += len(case.causes)
        first += bool(fair & {*causes[:1]})
        top += bool(fair & {*causes[:3]})
    return Scores(
        found=_share(sum(bool(alarms(each)) for each in faulty), len(faulty)),
        false_alarms=_share(sum(bool(alarms(each)) for each in sound), len(sound)),
        first=_share(first, len(faulty)),
        top_3=_share(top, len(faulty)),
        precision=_share(right, all_named),
        recall=_share(recalled, expected),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def scoreboard(said: list[Said]) -> str:
    """Return the scores beside those of the two baselines, and the goals."""
    guess = ["wrong-output-activation", "lr-high"]
    columns = {
        "pellucid": scores(said),
        "always faulty": scores(said, lambda _: [], lambda _: ["something"]),
        "always {wrong-output-activation, lr-high}": scores(said, lambda _: guess, lambda _: guess),
    }
    rows = []
    for name, field in [(name, name.replace(" ", "_").replace("-", "_")) for name in GOALS]:
        cells = [_cell(name, getattr(column, field)) for column in columns.values()]
        rows.append([name, *cells, GOALS[name][0], _reached(name, getattr(columns["pellucid"], field))])
    overheads = [each.overhead for each in said if each.findings is not None]
    middle = median(overheads) if overheads else float("nan")
    most = f"{middle:.1%} (at most {max(overheads, default=float('nan')):.1%})"
    rows.append(["overhead on these short scripts, median", most, "", "", "", ""])
    return table(["", *columns, "goal", "reached"], rows)


def _cell(name: str, value: float) -> str:
    if math.isnan(value):
        return "–"
    return f"{value:.2f}" if name in {"precision", "recall"} else f"{value:.1%}"


def _reached(name: str, value: float) -> str:
    lower = name == "false alarms"
    return "yes" if (value <= GOALS[name][1] if lower else value >= GOALS[name][1]) else "**no**"


def by_cause(said: list[Said]) -> str:
    """Return a row for each cause that a fix removes: how often it was named, and what stood first where it did not."""
    runs: dict[str, list[Said]] = defaultdict(list)
    for each in said:
        if each.job.script == "buggy":
            runs[each.job.case.causes[0]].append(each)
    rows = []
    for cause, those in sorted(runs.items()):
        instead = Counter(
            each.causes[0] if each.causes else "nothing"
            for each in those
            if not {*each.causes[:1]} & {*each.job.case.causes, *each.job.case.accept}
        )
        scored = scores(those)
        rows.append(
            [
                cause,
                str(len({each.job.case.name for each in those})),
                f"{scored.first:.0%}",
                f"{scored.top_3:.0%}",
                f"{_share(sum(cause in each.causes for each in those), len(those)):.0%}",
                ", ".join(f"{name} ×{count}" for name, count in instead.most_common()) or "",
            ]
        )
    return table(["cause", "cases", "first", "top-3", "named", "named first instead"], rows)


def wrongly_named(said: list[Said]) -> str:
    """Return a row for each cause that was named where it is not fair: in scripts with another fault, and without."""
    elsewhere: Counter[str] = Counter()
    alarms: dict[str, list[str]] = defaultdict(list)
    for each in said:
        fair = {*each.job.case.causes, *each.job.case.accept} if each.job.script == "buggy" else set()
        for cause in each.causes:
            if cause not in fair and each.job.script == "buggy":
                elsewhere[cause] += 1
        if each.job.script == "fixed":
            for cause in each.alarms:
                alarms[cause].append(f"{each.job.case.name}/{each.job.seed}")
    names = sorted({*elsewhere, *alarms}, key=lambda name: (-len(alarms[name]), -elsewhere[name], name))
    rows = [[name, str(elsewhere[name]), str(len(alarms[name])), ", ".join(alarms[name])] for name in names]
    return table(["cause", "with another fault", "false alarms", "where"], rows)


def reliability(said: list[Said]) -> str:
    """Return a row for each range of confidence: how sure the findings are there, and how many of them are right."""
    ranges: dict[float, list[tuple[float, bool]]] = defaultdict(list)
    for each in said:
        fair = {*each.job.case.causes, *each.job.case.accept} if each.job.script == "buggy" else set()
        for finding in each.findings or ():
            if finding["severity"] != "info":
                low = max(low for low in CONFIDENCES if low <= finding["confidence"])
                ranges[low].append((finding["confidence"], finding["cause"] in fair))
    rows = []
    for low, high in zip(CONFIDENCES, [*CONFIDENCES[1:], 1.0], strict=True):
        if those := ranges[low]:
            sure = sum(confidence for confidence, _ in those) / len(those)
            right = _share(sum(is_right for _, is_right in those), len(those))
            rows.append([f"{low:.1f} to {high:.1f}", str(len(those)), f"{sure:.2f}", f"{right:.2f}"])
    return table(["confidence", "findings", "mean confidence", "share right"], rows)


def by_case(said: list[Said]) -> str:
    """Return a row for each case with a fault: what an expert names, and what was named, seed by seed."""
    rows = []
    runs: dict[str, list[Said]] = defaultdict(list)
    for each in said:
        if each.job.script == "buggy":
            runs[each.job.case.name].append(each)
    for name, those in sorted(runs.items()):
        case = those[0].job.case
        fair = {*case.causes, *case.accept}
        marks = "".join(
            "✓" if fair & {*e.causes[:1]} else "3" if fair & {*e.causes[:3]} else "–" if e.causes else "0"
            for e in sorted(those, key=lambda e: e.job.seed)
        )
        named = Counter(cause for each in those for cause in each.causes)
        shown = ", ".join(f"{cause}" + (f" ×{n}" if n > 1 else "") for cause, n in named.most_common())
        rows.append([name, ", ".join(case.causes), ", ".join(case.accept), marks, shown])
    return table(["case", "causes", "also fair", "first", "named"], rows)


def measured(chosen: Sequence[Case], seeds: Sequence[int], jobs: int, *, fresh: bool = False) -> list[Said]:
    """Return what is said of every script of the cases, with progress on standard error."""
    wanted = [Job(case, script, seed) for seed in seeds for case in chosen for script in case.scripts]
    said = []
    for number, each in enumerate(said_of(wanted, jobs, fresh=fresh), 1):
        said.append(each)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{number} of {len(wanted)}\x1b[K")
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    return sorted(said, key=lambda each: (each.job.case.name, each.job.script, each.job.seed))


def compare() -> str:
    """Measure what is not measured yet by this code, keep a line of each, and return all tables."""
    chosen = cases(beside())
    said = sorted(measured(chosen, SEEDS, os.cpu_count() or 1), key=_place)  # and not as they came to their ends
    bounded = sorted(early(said, os.cpu_count() or 1), key=_place)
    lines = [to_json_line(line_of(each)) for each in [*said, *bounded]]
    RESULTS.write_text("".join(lines), encoding="utf-8")
    return tables(said, bounded)


def _place(said: Said) -> tuple[str, str, int]:
    return said.job.case.name, said.job.script, said.job.seed


def line_of(said: Said) -> dict[str, Any]:
    """Return what is kept of a run in the repository."""
    named = [
        {name: found[name] for name in ("cause", "severity", "confidence", "step")} for found in said.findings or ()
    ]
    return {
        "case": said.job.case.name,
        "script": said.job.script,
        "seed": said.job.seed,
        "bound": said.job.steps,
        "code": saying()[:12],
        "steps": said.steps,
        "overhead": round(said.overhead, 4),
        "metric": said.metric,
        "status": said.status,
        "findings": None if said.findings is None else named,
    }


def early(said: Sequence[Said], jobs: int) -> list[Said]:
    """Return what is said of the runs whose cause was named first, when they are ended after 200 steps or a tenth."""
    named = [each for each in said if each.job.script == "buggy" and _is_right(each)]
    wanted = [replace(each.job, steps=bound) for each in named if (bound := max(200, each.steps // 10)) < each.steps]
    return list(said_of(wanted, jobs))


def _is_right(said: Said) -> bool:
    return bool({*said.job.case.causes, *said.job.case.accept} & {*said.causes[:1]})


def earliness(said: Sequence[Said], bounded: Sequence[Said]) -> str:
    """Return how many of the right verdicts stand after 200 steps or a tenth of the run."""
    right = [each for each in said if each.job.script == "buggy" and _is_right(each)]
    short = len(right) - len(bounded)
    soon = Counter(each.job.case.causes[0] for each in bounded if _is_right(each))
    late = Counter(each.job.case.causes[0] for each in bounded if not _is_right(each))
    reached = short + sum(soon.values())
    told = ", ".join(f"{cause} ×{count}" for cause, count in late.most_common()) or "none"
    share = _share(reached, len(right))
    return (
        f"Of {len(right)} runs whose cause was named first, {reached} ({share:.0%}) name it first "
        f"already when they are ended after 200 steps or a tenth of the run, whichever is more ({short} are no "
        f"longer than that); the others: {told}."
    )


def tables(said: list[Said], bounded: list[Said] | None = None) -> str:
    """Return all tables; `bounded` is what was said of runs that were ended early."""
    names = {each.job.case.name for each in said if each.job.script == "buggy"}
    sound = {(each.job.case.name, each.job.script) for each in said if each.job.script == "fixed"}
    seeds = sorted({each.job.seed for each in said})
    lost = [f"{e.job.case.name}/{e.job.script}/{e.job.seed}" for e in said if e.findings is None]
    head = f"{len(names)} scripts with a fault and {len(sound)} without, seeds {', '.join(map(str, seeds))}."
    missing = f" No diagnosis was left of {', '.join(lost)}." if lost else ""
    parts = [
        f"{head}{missing} Code of the diagnosis: {saying()[:12]}.",
        scoreboard(said),
        *([] if bounded is None else [earliness(said, bounded)]),
        "**By cause**, the first that the fix removes:",
        by_cause(said),
        "**Named where it is not fair**:",
        wrongly_named(said),
        "**Confidence**, and how often it is right, of all warnings and critical findings:",
        reliability(said),
        "**Case by case** (✓ named first, 3 among the first three, – only others, 0 nothing, a sign a seed):",
        by_case(said),
    ]
    return "\n\n".join(parts)


def show(said: Iterable[Said]) -> None:
    """Print everything that was said."""
    for each in said:
        case = each.job.case
        expected = (
            "nothing" if each.job.script == "fixed" else " ".join([*case.causes, *(f"({c})" for c in case.accept)])
        )
        headline = (
            f"{case.name}/{each.job.script}.py, seed {each.job.seed}: {case.title}; {each.steps} steps, "
            f"metric {each.metric}, status {each.status}, overhead {each.overhead:.1%}; expected: {expected}"
        )
        names = {field.name for field in fields(Finding)}
        findings = [
            Finding(**{"remedies": (), **{name: value for name, value in finding.items() if name in names}})
            for finding in each.findings or ()
        ]
        print(findings_text(findings, headline, 120), end="\n\n")


def main() -> None:
    """Run what the command line names, and print the tables or all that was said."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.diagnosis", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("case", nargs="*", help="parts of cases' names (default: all)")
    parser.add_argument("--cases", action="append", type=Path, help="a folder of cases (default: ours, those beside)")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--jobs", type=int, default=1, help="processes at once")
    parser.add_argument("--fresh", action="store_true", help="a new process a script, as people run it; slower")
    parser.add_argument("--early", action="store_true", help="which verdicts stand after 200 steps or a tenth, too")
    parser.add_argument("--show", action="store_true", help="print everything said, instead of tables")
    asked = parser.parse_args()
    chosen = cases(asked.cases or folders(), asked.case)
    if not chosen:
        parser.error(f"there is no such case below {', '.join(map(str, asked.cases or folders()))}")
    said = measured(chosen, [int(seed) for seed in asked.seeds.split(",")], asked.jobs, fresh=asked.fresh)
    if asked.show:
        show(said)
    else:
        print(tables(said, early(said, asked.jobs) if asked.early else None))


if __name__ == "__main__":
    main()
