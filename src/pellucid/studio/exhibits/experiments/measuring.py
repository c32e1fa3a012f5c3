"""One experiment in a process of its own: `python -m ...measuring NAME SEEDS SEED` writes what came out as JSON.

A measurement takes up to half a minute, draws from torch's random streams and cannot be divided: beside the studio's
engines it would hold them all up, and could not be stopped.
"""

import json
import sys
from dataclasses import asdict
from typing import Any
from xml.etree.ElementTree import Element

from pellucid.chart import FigureData
from pellucid.experiments import Outcome, run
from pellucid.report.canvas import standalone
from pellucid.report.experiment_page import figures_of
from pellucid.report.experiment_text import written


def outcome_of(measured: Outcome) -> dict[str, Any]:
    """Return an outcome as plain values, its figures drawn by the report's hand."""
    result = measured.result
    drawn = zip(result.figures, figures_of(measured), strict=True)
    return {
        "verdict": measured.verdict,
        "seeds": list(measured.seeds),
        "seconds": measured.seconds,
        "checks": [asdict(check) for check in result.checks],
        "quantities": [
            {"name": each.name, "written": written(each), "share": each.share, "scale": each.scale}
            for each in result.quantities
        ],
        "figures": [_figure(described, element) for described, element in drawn],
        "notes": list(result.notes),
    }


def _figure(described: FigureData, drawn: Element) -> dict[str, Any]:
    """Return a figure as the text of an SVG file, or where it is pictures side by side as these."""
    said = {"title": described.title, "detail": described.detail, "says": described.says}
    svg = drawn.find("svg")
    if svg is not None:
        return said | {"svg": standalone(svg)}
    tiles = [{"src": each.get("src", ""), "caption": each.get("alt", "")} for each in drawn.iter("img")]
    return said | {"tiles": tiles, "columns": getattr(described, "columns", len(tiles))}


if __name__ == "__main__":
    name, seeds, seed = sys.argv[1:]
    print(flush=True)  # noqa: T201 - whoever waits sees that the modules are loaded, and JSON may begin with a line break
    sys.stdout.write(json.dumps(outcome_of(run(name, seeds=int(seeds), seed=int(seed)))))
