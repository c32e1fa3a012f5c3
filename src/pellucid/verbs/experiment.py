"""`pellucid experiment`: the field's claims, each held against a measurement."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.options import argument, check, option
from pellucid.verbs.outcome import Outcome

if TYPE_CHECKING:
    from rich.console import Console

    from pellucid.experiments import Outcome as Measured

_MEASURING, _OUTPUT = "Measuring", "Output"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExperimentOptions:
    """List the field's claims that can be measured, or measure one: its verdict, with figures, and a page."""

    name: str | None = argument("which claim; without it all are listed")
    seeds: int = option(5, "with how many seeds each figure is measured", group=_MEASURING, minimum=5, maximum=1_000)
    seed: int = option(0, "the first of them", group=_MEASURING, minimum=0)
    folder: str = option("experiments", "folder that holds a folder for each experiment", group=_OUTPUT)

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        check(self)


def command(options: ExperimentOptions, console: Console) -> Outcome:
    """List the experiments, or run one and leave its page."""
    import torch

    from pellucid.experiments import EXPERIMENTS, run
    from pellucid.report.experiment_text import catalogue_lines, outcome_lines
    from pellucid.verbs.environment import environment

    if options.name is None:
        console.print(catalogue_lines(EXPERIMENTS.values()), markup=False)
        known = [{"name": each.name, "title": each.title, "claim": each.claim} for each in EXPERIMENTS.values()]
        return Outcome({"experiments": known})
    folder = Path(options.folder) / options.name
    with console.status(f"measuring {options.name}"):
        measured = run(options.name, seeds=options.seeds, seed=options.seed)
    console.print(outcome_lines(measured), markup=False)
    document = _document(measured) | environment(torch.device("cpu"))
    _leave(measured, folder, document)
    console.print(f"{'page':<10} {folder / 'page.html'}", markup=False)
    return Outcome(document)


def _leave(measured: Measured, folder: Path, document: dict[str, Any]) -> None:
    """Write the page, each figure and the figures' numbers; the same experiment replaces what it left before."""
    from pellucid.files import write_bytes, write_json
    from pellucid.report.canvas import standalone
    from pellucid.report.experiment_page import experiment_page, figures_of

    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "outcome.json", document)
    write_bytes(folder / "page.html", experiment_page(measured, document["versions"]["pellucid"]).encode())
    for place, drawn in enumerate(figures_of(measured)):
        svg = drawn.find("svg")
        if svg is not None:
            write_bytes(folder / f"figure{place or ''}.svg", standalone(svg).encode())


def _document(measured: Measured) -> dict[str, Any]:
    experiment, result = measured.experiment, measured.result
    return {
        "experiment": experiment.name,
        "claim": experiment.claim,
        "source": experiment.source,
        "method": experiment.method,
        "verdict": measured.verdict,
        "seeds": list(measured.seeds),
        "seconds": measured.seconds,
        "checks": [asdict(check) for check in result.checks],
        "quantities": [{"name": each.name, "values": list(map(float, each.values))} for each in result.quantities],
        "notes": list(result.notes),
    }
