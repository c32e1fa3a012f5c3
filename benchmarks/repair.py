"""Repair: what `pellucid diagnose --prove` makes of scripts with a known fault, run whole, beside the fixed ones.

A script is *repaired* when its own metric comes at least 95 % of the way from the buggy script's to the fixed one's,
and *made worse* when it falls below the buggy one's by more than 2 % of that way. The remedies are those of the
diagnosis, or, to tell what they are worth by themselves, those of the causes that an expert names; they are proven by
replays that never see the fixed script or its metric. A script that nothing is proven for stays as it is: its way is 0.

    python -m benchmarks.repair [CASE ...] [--cases FOLDER] [--seeds 0] [--jobs 1] [--true-causes]

measures what is not measured yet and keeps a line of each in `benchmarks/results/repair.jsonl`.
"""

import argparse
import math
import os
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.case_runs import ONE_THREAD, Case, Job, cases, folders, said_of, saying
from benchmarks.measure import lines_of, table
from pellucid.diagnosis.proof import Budget, Limits, prove, replay
from pellucid.diagnosis.script import Program
from pellucid.diagnosis.suspicion import Place, Suspicion
from pellucid.diagnosis.watch import Diagnosis
from pellucid.files import to_json_line
from pellucid.record import Finding

RESULTS = Path(__file__).parent / "results" / "repair.jsonl"
REPAIRED, WORSE = 0.95, -0.02
SECONDS = 120.0
"""Of the processor, that one replay may take."""
WORST = -10.0
"""Stands for a metric that is no number, or that the script never came to print."""


@dataclass(frozen=True)
class Task:
    """One script to be repaired.

    Attributes:
        by: whose causes these are, the `diagnosis`'s or an `expert`'s.
        suspicions: the causes, the surest first.
    """

    case: Case
    seed: int
    by: str
    suspicions: tuple[Suspicion, ...]


def repair(task: Task) -> dict[str, Any]:
    """Prove remedies, run the script whole with the best of them, and return the line to be kept.

    The fixed script is run too, to be compared with.
    """
    os.environ.update(ONE_THREAD, SEED=str(task.seed))
    folder, whole, program = task.case.folder, Limits(None, 10 * SECONDS), Program("buggy.py")
    began = time.monotonic()
    findings = tuple(Finding(each.cause, each.severity, 1.0, {}, (), "", (), 0) for each in task.suspicions)
    _, proof = prove(
        program, Diagnosis(findings, 0, 0.0, (), task.suspicions), folder, Budget(seconds=SECONDS, whole=3600.0)
    )
    seconds = time.monotonic() - began
    buggy, fixed = (_metric(replay(Program(name), folder, whole).printed) for name in ("buggy.py", "fixed.py"))
    mended = buggy
    if proof.best:
        mended = _metric(replay(program, folder, whole, proof.edits, proof.interventions).printed)
    return {
        "case": task.case.name,
        "seed": task.seed,
        "by": task.by,
        "causes": [each.cause for each in task.suspicions],
        "buggy": buggy,
        "mended": mended,
        "fixed": fixed,
        "remedies": [each.action for each in proof.best],
        "tried": len(proof.tried),
        "seconds": round(seconds, 1),
        "code": saying()[:12],
    }


def way(line: dict[str, Any]) -> float:
    """Return how far a script came from the buggy metric, 0, to the fixed one, 1."""
    gap = line["fixed"] - line["buggy"]
    return (line["mended"] - line["buggy"]) / gap if gap > 0 else math.nan


def of_the_expert(case: Case) -> tuple[Suspicion, ...]:
    """Return the causes an expert names, as a diagnosis that is always right would: what remedies alone can do."""
    place = Place(str(case.folder / "buggy.py"))
    return tuple(Suspicion(cause, "critical", 1.0, (), "", where=place) for cause in case.causes)


def compare() -> str:
    """Return the rates and a row a script, of what was measured; nothing is measured here."""
    return tables(lines_of(RESULTS))


def tables(lines: Sequence[dict[str, Any]]) -> str:
    """Return the rates, and a row a script."""
    parts = []
    for by, title in (("diagnosis", "The diagnosis's causes"), ("expert", "An expert's causes")):
        those = sorted((line for line in lines if line["by"] == by), key=lambda line: (line["case"], line["seed"]))
        if those:
            parts += [f"**{title}**: {rate(those)}", by_case(those)]
    return "\n\n".join(parts) or "Not measured yet."


def rate(lines: Sequence[dict[str, Any]]) -> str:
    """Return how many were repaired and made worse, in words."""
    ways = [way(line) for line in lines]
    repaired, worse = sum(each >= REPAIRED for each in ways), sum(each < WORSE for each in ways)
    none = sum(not line["remedies"] for line in lines)
    code = ", ".join(sorted({line["code"] for line in lines}))
    return (
        f"{repaired} of {len(lines)} repaired ({repaired / len(lines):.0%}; goal at least 80 %), {worse} made worse "
        f"(goal none), {none} left as they were for want of a proof. Code of the diagnosis: {code}."
    )


def by_case(lines: Iterable[dict[str, Any]]) -> str:
    """Return a row a script."""
    rows = [
        [
            line["case"],
            str(line["seed"]),
            *(f"{line[name]:.4g}" for name in ("buggy", "mended", "fixed")),
            f"{way(line):.0%}",
            f"{line['seconds']:.0f}",
            " ".join(line["remedies"]) or "none proven",
        ]
        for line in lines
    ]
    return table(["case", "seed", "buggy", "mended", "fixed", "way", "seconds", "remedies"], rows)


def _metric(printed: float | None) -> float:
    return printed if printed is not None and math.isfinite(printed) else WORST


def tasks(chosen: Sequence[Case], seeds: Sequence[int], by: str, jobs: int) -> list[Task]:
    """Return what is not measured yet, with the causes that are named of it."""
    done = {(line["case"], line["seed"], line["by"]) for line in lines_of(RESULTS)}
    wanted = [(case, seed) for seed in seeds for case in chosen if (case.name, seed, by) not in done]
    if by == "expert":
        return [Task(case, seed, by, of_the_expert(case)) for case, seed in wanted]
    said = said_of([Job(case, "buggy", seed) for case, seed in wanted], jobs)
    found = [Task(each.job.case, each.job.seed, by, each.suspicions) for each in said]
    return sorted(found, key=lambda task: (task.seed, task.case.name))


def main() -> None:
    """Repair the cases that the command line names, and keep and print how far each came."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.repair", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("case", nargs="*", help="parts of cases' names (default: all)")
    parser.add_argument("--cases", action="append", type=Path, help="a folder of cases (default: ours, those beside)")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--jobs", type=int, default=1, help="scripts at once")
    parser.add_argument("--true-causes", action="store_true", help="an expert's causes, not the diagnosis's")
    asked = parser.parse_args()
    chosen = [case for case in cases(asked.cases or folders(), asked.case) if "buggy" in case.scripts]
    seeds, by = [int(seed) for seed in asked.seeds.split(",")], "expert" if asked.true_causes else "diagnosis"
    todo = tasks(chosen, seeds, by, asked.jobs)
    with ProcessPoolExecutor(asked.jobs, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        for future in as_completed([pool.submit(repair, task) for task in todo]):
            line = future.result()
            with RESULTS.open("a", encoding="utf-8") as file:
                file.write(to_json_line(line))
            print(
                f"{line['case']}/{line['seed']}: {way(line):.0%} in {line['seconds']:.0f} s: {line['remedies']}",
                flush=True,
            )
    print(tables([line for line in lines_of(RESULTS) if line["by"] == by]))


if __name__ == "__main__":
    main()
