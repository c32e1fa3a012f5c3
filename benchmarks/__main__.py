"""`python -m benchmarks` runs all comparisons and writes docs/benchmarks.md, `python -m benchmarks NAME` prints one."""

import inspect
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

from benchmarks import digits_time_to_result, training_step
from benchmarks.measure import machine_lines

COMPARISONS: dict[str, ModuleType] = {
    "training_step": training_step,
    "digits_time_to_result": digits_time_to_result,
}
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def section(module: ModuleType) -> str:
    """Run a comparison and return its section of the page: its own description, then its table."""
    title, _, description = (inspect.getdoc(module) or "").partition("\n")
    return f"## {title.rstrip('.')}\n\n{description.strip()}\n\n{module.compare()}\n"


def page() -> str:
    """Run every comparison and return the whole page."""
    head = [
        "# Benchmarks",
        "",
        "Written by `python -m benchmarks`, not by hand. In each comparison the sides run by turns in one session, so",
        "that a busy minute meets all of them; figures are medians. Where pellucid is slower, it is shown as slower.",
        "",
        *machine_lines(),
        f"- measured on {datetime.now(UTC):%Y-%m-%d}",
    ]
    return "\n".join(head) + "\n\n" + "\n".join(section(module) for module in COMPARISONS.values())


def main(names: list[str]) -> None:
    """Print the comparisons named, or run all and write the page."""
    unknown = [name for name in names if name not in COMPARISONS]
    if unknown:
        sys.exit(f"there is no comparison {', '.join(unknown)}; there are {', '.join(COMPARISONS)}")
    for name in names:
        print(section(COMPARISONS[name]))
    if not names:
        PAGE.write_text(page(), encoding="utf-8")
        print(f"written: {PAGE}")


main(sys.argv[1:])
