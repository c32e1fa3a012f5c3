"""What came out when every claim was measured for docs/experiments.md: it comes along, so that it can be read at once.

Written by `python -m pellucid.studio.exhibits.experiments.recorded RESULTS FIGURES` from the outcomes and figures that
`python -m benchmarks.experiments` keeps (benchmarks/results/experiments, docs/experiments).
"""

import functools
import json
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

from pellucid.experiments import EXPERIMENTS
from pellucid.experiments.experiment import Quantity
from pellucid.report.experiment_text import written

FILE = Path(__file__).parent / "recorded.zip"
_KEPT = ("verdict", "day", "device_name", "seeds", "seconds", "checks", "notes", "quantities")
_EPOCH = (1980, 1, 1, 0, 0, 0)
Kinds = Mapping[str, tuple[bool, str]]


def write(results: Path, figures: Path, file: Path = FILE) -> None:
    """Keep the outcomes and figures of all experiments in one file; the same of them, the same to the byte."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in EXPERIMENTS:
            outcome = json.loads((results / f"{name}.json").read_text(encoding="utf-8"))
            kept = {key: outcome[key] for key in _KEPT}
            kept["versions"] = {package: outcome["versions"][package] for package in ("pellucid", "torch")}
            archive.writestr(zipfile.ZipInfo(f"{name}.json", _EPOCH), json.dumps(kept), zipfile.ZIP_DEFLATED)
            figure = figures / f"{name}.svg"
            if figure.exists():
                archive.writestr(zipfile.ZipInfo(figure.name, _EPOCH), figure.read_bytes(), zipfile.ZIP_DEFLATED)


@functools.cache
def verdicts() -> dict[str, str]:
    """Return experiment -> verdict."""
    with zipfile.ZipFile(FILE) as archive:
        return {
            name: str(json.loads(archive.read(f"{name}.json"))["verdict"])
            for name in EXPERIMENTS
            if f"{name}.json" in archive.namelist()
        }


@functools.lru_cache(maxsize=4)
def _read(name: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Return an outcome, and its figure where it has one."""
    with zipfile.ZipFile(FILE) as archive:
        outcome: dict[str, Any] = json.loads(archive.read(f"{name}.json"))
        if f"{name}.svg" not in archive.namelist():
            return outcome, []
        drawn = archive.read(f"{name}.svg").decode()
    says = fromstring(drawn).get("aria-label", "")  # noqa: S314 (a file of ours)
    return outcome, [{"title": "", "detail": "", "says": says, "svg": drawn}]


def recorded(name: str, kinds: Kinds | None = None) -> dict[str, Any] | None:
    """Return the recorded outcome of an experiment; None where there is none.

    Args:
        name: of the experiment.
        kinds: quantity -> whether it is a share and its scale, as a measurement tells them; a record does not.
    """
    if name not in verdicts():
        return None
    outcome, figures = _read(name)
    quantities = []
    for each in outcome["quantities"]:
        share, scale = (kinds or {}).get(each["name"], (False, "linear"))
        quantity = Quantity(
            name=each["name"], values=each["values"], share=share, scale="log" if scale == "log" else "linear"
        )
        quantities.append({"name": each["name"], "written": written(quantity)})
    return {**outcome, "quantities": quantities, "figures": figures}


if __name__ == "__main__":
    write(*map(Path, sys.argv[1:3]))
