"""Measure cases of the diagnosis anew: `python -m benchmarks.cases.measure [--write] [NAME ...]`, all without a name.

Each script runs in a process of its own, with SEED 0, 1 and 2, on one thread. `--write` puts the figures into its
`case.toml`; without it a case whose figures there differ is named, and the exit status is 1.
"""

import argparse
import contextlib
import io
import math
import multiprocessing
import os
import re
import runpy
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import sklearn.datasets
import sklearn.metrics
import sklearn.model_selection
import sklearn.preprocessing  # noqa: F401 (every forked process finds it loaded)
import torch

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

SEEDS = (0, 1, 2)
HERE = Path(__file__).parent
TOLERANCE = 0.02
"""Figures may differ by this much on another machine or with other versions."""


def run_script(script: Path, seed: int) -> str:
    """Return what a script prints; a forked process has torch loaded already and leaves nothing behind."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(script, seed, sender))
    process.start()
    sender.close()
    try:
        printed: str = receiver.recv()
    except EOFError:
        raise RuntimeError(f"{script} failed with SEED={seed}") from None
    process.join()
    return printed


def metric_of(printed: str) -> float:
    """Return the figure behind the last `METRIC`."""
    return round(float(re.findall(r"^METRIC (\S+)", printed, re.MULTILINE)[-1]), 4)


def smallest_gap(fixed: list[float], buggy: list[float]) -> float:
    """Return the smallest gap over the seeds, cut to three digits; a run that ends in NaN counts as no gap at all."""
    gaps = [good - bad for good, bad in zip(fixed, buggy, strict=True) if math.isfinite(bad)]
    return math.floor(min(gaps) * 1000 + 1e-6) / 1000 if gaps else math.nan


def measure(folder: Path, *, show: bool) -> dict[str, str]:
    """Return the lines of `case.toml` that are measured, by their key, as they are written there."""
    metrics: dict[str, list[float]] = {}
    for name in ("fixed", "buggy"):
        if (folder / f"{name}.py").exists():
            printed = [run_script(folder / f"{name}.py", seed) for seed in SEEDS]
            metrics[name] = [metric_of(text) for text in printed]
            if show:
                print(f"--- {folder.name}/{name}.py\n{printed[0]}")
    lines = {"min_gap": f"{smallest_gap(metrics['fixed'], metrics['buggy'])}"} if "buggy" in metrics else {}
    lines["metric_fixed"] = f"{metrics['fixed']}  # SEED 0, 1, 2"
    if "buggy" in metrics:
        lines["metric_buggy"] = f"{metrics['buggy']}"
    return lines


def written(case: Path, lines: dict[str, str]) -> str:
    """Return the text of `case.toml` with its measured lines replaced, or added at the end."""
    kept = [line for line in case.read_text().splitlines() if line.partition(" = ")[0] not in lines]
    before = [f"{key} = {value}" for key, value in lines.items()]
    return "\n".join([*kept, *before]) + "\n"


def differs(case: Path, lines: dict[str, str]) -> bool:
    """Tell whether a figure in `case.toml` is further than the tolerance from the one measured now."""
    stated = tomllib.loads(case.read_text())
    now = tomllib.loads("\n".join(f"{key} = {value}" for key, value in lines.items()))
    return any(
        math.isfinite(new) != math.isfinite(old) or abs(new - old) > TOLERANCE * max(1.0, abs(old))
        for key in now
        for new, old in zip(_figures(now[key]), _figures(stated.get(key, math.nan)), strict=True)
    )


def main() -> int:
    """Measure the cases named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="cases, all when there is none")
    parser.add_argument("--write", action="store_true", help="write the figures into case.toml")
    parser.add_argument("--show", action="store_true", help="print what the scripts print with SEED 0")
    chosen = parser.parse_args()
    changed = False
    for case in _chosen_cases(chosen.names):
        lines = measure(case.parent, show=chosen.show)
        print(case.parent.name, *(f"{key} {value}" for key, value in lines.items()), flush=True)
        if chosen.write:
            case.write_text(written(case, lines))
        elif differs(case, lines):
            changed = True
            print(f"  {case.parent.name}: its case.toml states other figures", flush=True)
    return int(changed)


def _chosen_cases(names: list[str]) -> Iterator[Path]:
    for name in names or sorted(path.parent.name for path in HERE.glob("*/case.toml")):
        yield HERE / name / "case.toml"


def _figures(value: float | list[float]) -> list[float]:
    return value if isinstance(value, list) else [value]


def _run(script: Path, seed: int, sender: "Connection[str, str]") -> None:
    os.environ["SEED"] = str(seed)
    torch.set_num_threads(1)
    sys.argv = [str(script)]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        runpy.run_path(str(script), run_name="__main__")
    sender.send(printed.getvalue())


if __name__ == "__main__":
    sys.exit(main())
