"""How often remedies mend: scripts with a known fault, run whole with what was proven, beside the fixed ones.

A script is repaired when its own metric comes at least 95 % of the way from the buggy script's to the fixed one's, and
made worse when it falls below the buggy one's by more than 2 % of that way.
"""

import argparse
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.case_runs import Case, cases
from pellucid.diagnosis.proof import Budget, Limits, prove, replay
from pellucid.diagnosis.script import Program
from pellucid.diagnosis.suspicion import Place, Suspicion
from pellucid.diagnosis.watch import Diagnosis
from pellucid.record import Finding

REPAIRED, WORSE = 0.95, -0.02


@dataclass(frozen=True)
class Repair:
    """What became of one script.

    Attributes:
        way: share of the way from the buggy metric to the fixed one; 0 where nothing was proven and so nothing changed.
        remedies: what was done.
        proven: whether a replay's score showed that it helps.
    """

    case: Case
    seed: int
    buggy: float
    fixed: float
    mended: float
    remedies: tuple[str, ...]
    proven: bool

    @property
    def way(self) -> float:
        """How far from the buggy to the fixed metric."""
        gap = self.fixed - self.buggy
        return (self.mended - self.buggy) / gap if gap > 0 and math.isfinite(gap) else float("nan")


def repair(case: Case, seed: int, suspicions: Sequence[Suspicion], seconds: float = 120.0) -> Repair:
    """Prove remedies of what is suspected of a case's buggy script, and run it whole with the best of them.

    Args:
        case: with `buggy.py` and `fixed.py`.
        seed: given to the scripts as SEED.
        suspicions: of the buggy script, the surest first.
        seconds: of the processor that one replay may take.
    """
    folder, whole, program = case.folder, Limits(None, 10 * seconds), Program("buggy.py")
    findings = tuple(Finding(item.cause, item.severity, item.confidence, {}, (), "", (), 0) for item in suspicions)
    with _seeded(seed):
        buggy = _metric(replay(program, folder, whole).printed)
        fixed = _metric(replay(Program("fixed.py"), folder, whole).printed)
        diagnosis = Diagnosis(findings, 0, 0.0, (), tuple(suspicions))
        _, proof = prove(program, diagnosis, folder, Budget(seconds=seconds, whole=3600.0))
        if not proof.best:
            return Repair(case, seed, buggy, fixed, buggy, (), proven=False)
        mended = _metric(replay(program, folder, whole, proof.edits, proof.interventions).printed)
    return Repair(case, seed, buggy, fixed, mended, tuple(item.action for item in proof.best), proven=True)


def of_its_causes(case: Case) -> tuple[Suspicion, ...]:
    """Return the causes an expert names, as a diagnosis that is always right would: what remedies alone can do."""
    place = Place(str(case.folder / "buggy.py"))
    return tuple(Suspicion(cause, "critical", 1.0, (), "", where=place) for cause in case.causes)


def table(repairs: Sequence[Repair]) -> str:
    """Return the rates, and a row a case."""
    ways = [each.way for each in repairs]
    mended, worse = sum(way >= REPAIRED for way in ways), sum(way < WORSE for way in ways)
    rows = [
        f"{mended} of {len(repairs)} repaired ({mended / max(1, len(repairs)):.0%}), {worse} made worse.",
        "",
        "| case | seed | buggy | mended | fixed | way | remedies |",
        "|---|---|---|---|---|---|---|",
    ]
    rows.extend(
        f"| {each.case.name} | {each.seed} | {each.buggy:.4g} | {each.mended:.4g} | {each.fixed:.4g} | {each.way:.0%} "
        f"| {'; '.join(each.remedies) or 'none proven'} |"
        for each in repairs
    )
    return "\n".join(rows)


def _metric(printed: float | None) -> float:
    """Return a script's metric; one that is no number is as bad as can be."""
    return printed if printed is not None and math.isfinite(printed) else -10.0


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    before = os.environ.get("SEED")
    os.environ["SEED"] = str(seed)
    try:
        yield
    finally:
        if before is None:
            del os.environ["SEED"]
        else:
            os.environ["SEED"] = before


def main() -> None:
    """Repair the cases that the command line names, given their true causes, and print how far each came."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.repair", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("case", nargs="*", help="parts of cases' names (default: all)")
    parser.add_argument("--cases", action="append", type=Path, required=True, help="a folder of cases")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    chosen = [case for case in cases(asked.cases, asked.case) if "buggy" in case.scripts]
    done = []
    for case in chosen:
        done.append(repair(case, asked.seed, of_its_causes(case)))
        print(table(done[-1:]).splitlines()[-1], flush=True)
    print(table(done))


if __name__ == "__main__":
    main()
