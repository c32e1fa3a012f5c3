"""`python -m benchmarks` runs every comparison of speed and writes their page; with names, these pages or sections.

A section is put in its place in its page, the others stay as they are. The pages are `speed`, docs/benchmarks.md,
measured anew each time; `results`, docs/results.md, for which only what is missing in `results/*.jsonl` is measured;
`diagnosis`, docs/diagnosis.md, of the code as it stands, but for repairs; and `reliability`, docs/reliability.md.
"""

import inspect
import os
import re
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

from benchmarks import (
    degradation,
    diagnosis,
    diagnosis_overhead,
    digits_time_to_result,
    edges,
    faults,
    fuzzing,
    gan_digits,
    gan_modes,
    growth,
    hopfield_capacity,
    kills,
    long_run,
    mnist_time_to_result,
    population_step,
    repair,
    steps_of_peers,
    studio,
    through_time,
    training_step,
    trainings,
    tuning,
    vectorised,
)
from benchmarks.measure import machine_lines

DOCS = Path(__file__).parents[1] / "docs"


@dataclass(frozen=True)
class Page:
    """A page of docs/ that is written by its measurements."""

    file: Path
    title: str
    lead: tuple[str, ...]
    sections: Mapping[str, ModuleType]


PAGES = {
    "speed": Page(
        DOCS / "benchmarks.md",
        "Benchmarks",
        (
            "Written by `python -m benchmarks speed`, not by hand. In each comparison the sides run by turns in one",
            "session, so that a busy minute meets all of them; figures are medians. Where pellucid is slower, it is",
            "shown as slower.",
        ),
        {
            "training_step": training_step,
            "steps_of_peers": steps_of_peers,
            "population_step": population_step,
            "tuning": tuning,
            "digits_time_to_result": digits_time_to_result,
            "mnist_time_to_result": mnist_time_to_result,
            "vectorised": vectorised,
            "growth": growth,
            "studio": studio,
        },
    ),
    "results": Page(
        DOCS / "results.md",
        "Results",
        (
            "Written by `python -m benchmarks results`, not by hand, from the lines of `benchmarks/results/`, each of",
            "which was measured once, with its seed, time and threads. What falls short of the figure wanted is said",
            "to do so. The times are those of a shared machine of two cores, and mostly of a busy one.",
        ),
        {
            "trainings": trainings,
            "degradation": degradation,
            "gan_modes": gan_modes,
            "gan_digits": gan_digits,
            "hopfield_capacity": hopfield_capacity,
            "through_time": through_time,
        },
    ),
    "diagnosis": Page(
        DOCS / "diagnosis.md",
        "The diagnosis",
        (
            "Written by `python -m benchmarks diagnosis`, not by hand; a line for each run is in",
            "`benchmarks/results/diagnosis.jsonl`. How it is used stands in",
            "[the verbs](verbs/diagnose.md); diagnosing a script executes it.",
            "",
            "**Rules, thresholds and remedies were tuned on these very scripts, with seed 0**; the repairs are",
            "measured with it alone. Seeds 1 and 2 chose three things: gated recurrent layers that learn are not",
            "said to fade; labels are not called noisy where a network gets more of them right, unseen ones too,",
            "than the noise would leave; and a schedule that ends too early is said of a network, too, that",
            "learned and that simpler models beat.",
            "",
            "Of a script that nobody has tuned anything on, less must be expected. Two sets were written for such a",
            "check and first run in November 2026, with seed 0. Of 22 scripts with a fault and 35 without, of common",
            "kinds, 91 % of the faults were found, 73 % named first, 17 % of the healthy ones flagged. Of 42 and 62",
            "of unusual kinds (survival, contrast, graphs, flows, policies, adapters, steps by hand, several losses),",
            "81 % were found, 57 % named first and 13 % of the healthy ones flagged. Most of these mistakes were then",
            "traced to measurements that were missing or wrong, and mended, part of the second set before the rest of",
            "it was run; so neither set is of that kind any more.",
        ),
        {"scoreboard": diagnosis, "repair": repair, "diagnosis_overhead": diagnosis_overhead},
    ),
    "reliability": Page(
        DOCS / "reliability.md",
        "Reliability",
        ("Written by `python -m benchmarks reliability`, not by hand.",),
        {"kills": kills, "fuzzing": fuzzing, "faults": faults, "long_run": long_run, "edges": edges},
    ),
}


def section(module: ModuleType) -> str:
    """Measure and return a section: the module's own description, then its table, and when that was."""
    title, _, description = (inspect.getdoc(module) or "").partition("\n")
    began = f"{datetime.now(UTC):%Y-%m-%d}, {os.getloadavg()[0]:.1f} processes at the beginning, this included"
    return f"## {title.rstrip('.')}\n\n{description.strip()}\n\n{module.compare()}\n\nWritten on {began}.\n"


def write(page: Page, names: Collection[str]) -> None:
    """Measure some sections of a page anew and write it."""
    sections = _sections(page)
    for name in names:
        module = page.sections[name]
        sections[_title(module)] = section(module)
        known = [sections[_title(each)] for each in page.sections.values() if _title(each) in sections]
        head = [f"# {page.title}", "", *page.lead, "", *machine_lines()]
        page.file.write_text("\n".join(head) + "\n\n" + "\n".join(known), encoding="utf-8")


def _sections(page: Page) -> dict[str, str]:
    """Return the sections that a page has, by their titles."""
    text = page.file.read_text(encoding="utf-8") if page.file.exists() else ""
    parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0].removeprefix("## "): part.rstrip("\n") + "\n" for part in parts}


def _title(module: ModuleType) -> str:
    return (inspect.getdoc(module) or "").partition("\n")[0].rstrip(".")


def main(names: list[str]) -> None:
    """Write the pages and sections named."""
    of = {name: page for page in PAGES.values() for name in page.sections}
    unknown = [name for name in names if name not in PAGES and name not in of]
    if unknown:
        sys.exit(
            f"there is no {', '.join(unknown)}; there are the pages {', '.join(PAGES)} and the sections {', '.join(of)}"
        )
    for name in names or ["speed"]:
        page = PAGES.get(name) or of[name]
        write(page, list(page.sections) if name in PAGES else [name])
        print(f"written: {page.file}")


main(sys.argv[1:])
