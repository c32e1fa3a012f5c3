"""`python -m benchmarks PAGE` runs what a page tells and writes it; `python -m benchmarks NAME` prints one section.

The pages are `speed`, docs/benchmarks.md, measured anew each time; `results`, docs/results.md, for which only what is
missing in `results/*.jsonl` is measured; and `diagnosis`, docs/diagnosis.md, of the code as it stands, but for repairs.
"""

import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

from benchmarks import (
    degradation,
    diagnosis,
    diagnosis_overhead,
    digits_time_to_result,
    gan_digits,
    gan_modes,
    growth,
    hopfield_capacity,
    population_step,
    repair,
    steps_of_peers,
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
            "vectorised": vectorised,
            "growth": growth,
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
            "[the verbs](verbs.md#pellucid-diagnose-script); diagnosing a script executes it.",
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
}


def section(module: ModuleType) -> str:
    """Measure and return a section: the module's own description, then its table."""
    title, _, description = (inspect.getdoc(module) or "").partition("\n")
    return f"## {title.rstrip('.')}\n\n{description.strip()}\n\n{module.compare()}\n"


def written(page: Page) -> str:
    """Measure every section and return the whole page."""
    head = [f"# {page.title}", "", *page.lead, "", *machine_lines(), f"- written on {datetime.now(UTC):%Y-%m-%d}"]
    return "\n".join(head) + "\n\n" + "\n".join(section(module) for module in page.sections.values())


def main(names: list[str]) -> None:
    """Write the pages named, or print the sections named."""
    sections = {name: module for page in PAGES.values() for name, module in page.sections.items()}
    unknown = [name for name in names if name not in PAGES and name not in sections]
    if unknown or not names:
        known = f"the pages {', '.join(PAGES)} and the sections {', '.join(sections)}"
        sys.exit(f"there is no {', '.join(unknown)}; there are {known}" if unknown else f"name one or more of {known}")
    for name in names:
        if name in PAGES:
            PAGES[name].file.write_text(written(PAGES[name]), encoding="utf-8")
            print(f"written: {PAGES[name].file}")
        else:
            print(section(sections[name]))


main(sys.argv[1:])
