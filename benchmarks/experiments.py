"""Every experiment measured: `python -m benchmarks.experiments [NAME ...]` writes docs/experiments.md and its figures.

With names, only those are measured anew; the others keep what results/experiments/ has of them.
"""

import json
import platform
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import torch

from pellucid.cli import main as pellucid
from pellucid.experiments import EXPERIMENTS
from pellucid.studio.exhibits.experiments import recorded

DOCS = Path(__file__).parents[1] / "docs"
PAGE, FIGURES = DOCS / "experiments.md", DOCS / "experiments"
RESULTS = Path(__file__).parent / "results" / "experiments"
_HEAD = """# The field's claims, measured

Written by `python -m benchmarks.experiments` from what `pellucid experiment NAME` measured; not by hand. Each claim is
split into statements, and each of them is decided by a 95 % interval over five seeds: it holds where the whole interval
is on its side, does not where the whole interval is on the other, and is undecided in between. A claim that does not
hold here is a result too. `pellucid experiment NAME` measures one again, to the same figures.
"""
_OF_SEVERAL = {
    "holds": "hold", "holds in part": "hold in part", "does not hold": "do not hold", "undecided": "are undecided",
}  # fmt: skip
_SIGNS = {True: "Holds", False: "**Does not hold**", None: "*Undecided*"}


def measure(name: str) -> None:
    """Run an experiment as its command does, and keep its outcome and its figures."""
    with tempfile.TemporaryDirectory() as folder:
        left = Path(folder) / name
        try:
            pellucid(["experiment", name, "--folder", folder])
        except SystemExit as ended:
            if ended.code:
                raise
        outcome = json.loads((left / "outcome.json").read_text(encoding="utf-8"))
        outcome["day"] = datetime.now(UTC).date().isoformat()
        text = json.dumps(outcome, indent=1, ensure_ascii=False) + "\n"
        (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")
        if (left / "figure.svg").exists():
            (FIGURES / f"{name}.svg").write_bytes((left / "figure.svg").read_bytes())


def page() -> str:
    """Return docs/experiments.md."""
    measured = {name: RESULTS / f"{name}.json" for name in EXPERIMENTS}
    outcomes = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in measured.items() if path.exists()}
    told = [EXPERIMENTS[name] for name in outcomes]
    lines = [_HEAD, _counts(list(outcomes.values())), "", "| experiment | claim | verdict |", "|---|---|---|"]
    lines += [f"| `{each.name}` | {each.title} | {outcomes[each.name]['verdict']} |" for each in told]
    for topic, group in groupby(told, key=lambda experiment: experiment.topic):
        lines += ["", f"## {topic}", ""]
        for experiment in group:
            lines += _section(experiment.name, experiment.title, outcomes[experiment.name])
    return "\n".join(lines).rstrip() + "\n"


def _counts(outcomes: Sequence[dict[str, Any]]) -> str:
    verdicts = [outcome["verdict"] for outcome in outcomes]
    each = ", ".join(
        f"{verdicts.count(verdict)} {said}" for verdict, said in _OF_SEVERAL.items() if verdict in verdicts
    )
    days = sorted({outcome["day"] for outcome in outcomes})
    machine = f"{platform.machine()}, torch {torch.__version__.partition('+')[0]}, one thread"
    when = " to ".join(dict.fromkeys((days[0], days[-1])))
    return f"{len(outcomes)} claims: {each}. Measured {when} on {machine}."


def _section(name: str, title: str, outcome: dict[str, Any]) -> list[str]:
    lines = [f"### {title}", "", f"**{outcome['verdict'].capitalize()}.** {outcome['claim']} ({outcome['source']})", ""]
    lines += [f"- {_SIGNS[each['holds']]}: {each['statement']} ({each['evidence']})." for each in outcome["checks"]]
    lines += [line for note in outcome["notes"] for line in ("", note)]
    figure = [f"![{title}](experiments/{name}.svg)", ""] if (FIGURES / f"{name}.svg").exists() else []
    took = f"`pellucid experiment {name}` took {outcome['seconds']:.0f} s."
    return [*lines, "", *figure, f"{outcome['method']} {took}", ""]


def main(names: Sequence[str]) -> None:
    """Measure the named experiments, or all, and write the page."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    FIGURES.mkdir(exist_ok=True)
    for name in names or EXPERIMENTS:
        measure(name)
    PAGE.write_text(page(), encoding="utf-8")
    recorded.write(RESULTS, FIGURES)


if __name__ == "__main__":
    main(sys.argv[1:])
