"""Handwritten digits: from the command to the result.

Each side is one whole process, from its start through its imports and its training to the accuracy on the test
split of the 1,797 digits bundled with scikit-learn. All sides learn from the same 60 % of the rows and are judged on
the same 20 %; the neural ones choose their best weights by the other 20 %. The script by hand is
`peers/digits_torch.py`: the network that pellucid chooses for these images (the parameters are counted), AdamW with
a one-cycle schedule, as many epochs, the same shifts of the images, the best weights kept; no record, no
checkpoints, no display, no judgement, no report. scikit-learn's two are at their defaults, on pixels divided by 16.
"""

import json
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

import pellucid
from benchmarks.measure import ProcessRun, by_turns, run_process, table

ROUNDS = 5
PEERS = Path(__file__).parent / "peers"


def compare() -> str:
    """Run all sides by turns and return the table."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        rows = folder / "rows.npz"
        split = pellucid.load("digits").rows
        np.savez(rows, train=split["train"], validation=split["validation"], test=split["test"])
        ours = [sys.executable, "-m", "pellucid", "train", "digits", "--folder", str(folder / "runs"), "--json", "-"]
        sides = {
            "`pellucid train digits`": ours,
            "the same with `--no-report`": [*ours, "--no-report"],
            "PyTorch by hand": _peer("digits_torch", rows),
            "scikit-learn `SVC()`": _peer("digits_sklearn", rows, "SVC"),
            "scikit-learn `MLPClassifier()`": _peer("digits_sklearn", rows, "MLPClassifier"),
        }
        runs = by_turns({name: partial(run_process, command) for name, command in sides.items()}, ROUNDS)
    _require_one_network(runs)
    reference = _median_wall(runs["`pellucid train digits`"])
    return table(
        ["side", "wall, s", "CPU, s", "wall, against pellucid", "test accuracy", "epochs", "parameters"],
        [[name, *_figures(outcomes, reference)] for name, outcomes in runs.items()],
    )


def _peer(name: str, rows: Path, *arguments: str) -> list[str]:
    return [sys.executable, str(PEERS / f"{name}.py"), str(rows), *arguments]


def _median_wall(runs: list[ProcessRun]) -> float:
    return median(run.wall_seconds for run in runs)


def _require_one_network(runs: dict[str, list[ProcessRun]]) -> None:
    """Refuse to compare when pellucid's default network is no longer the one written by hand."""
    results = [json.loads(outcomes[0].output) for outcomes in runs.values()]
    counts = {(result["network"]["parameters"], result["epochs"]) for result in results if "network" in result}
    if len(counts) > 1:
        raise RuntimeError(f"the networks or their epochs differ, bring peers/digits_torch.py up to date: {counts}")


def _figures(runs: list[ProcessRun], reference: float) -> list[str]:
    wall = _median_wall(runs)
    results = [json.loads(run.output) for run in runs]
    accuracy = median(result["metrics"]["accuracy"] for result in results)
    epochs, network = results[0].get("epochs"), results[0].get("network", {})
    return [
        f"{wall:.2f}",
        f"{median(run.cpu_seconds for run in runs):.2f}",
        f"{wall / reference:.2f} ×",
        f"{accuracy:.2%}",
        "" if epochs is None else f"{epochs}",
        f"{network['parameters']:,}" if network else "",
    ]
