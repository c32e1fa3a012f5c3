"""Searches.

Trials a minute of whole searches on scikit-learn's digits: each trial draws a learning rate, a momentum and a weight
decay at random, trains some epochs, and is judged on the validation rows after each. Each side is a program of
`peers/searches/`, which searches among two trials first: what is imported or started on the way is not timed.

Optuna (its random sampler, one trial after the other) stands around the shortest loop one would write by hand, on
tensors that lie ready, and around the same with a `DataLoader`, as in its own PyTorch example. Ray Tune does the first
of these in two processes at once, each with a core; all others have one. KerasTuner is Keras on JAX, which compiles
every trial anew. pellucid is `pellucid.tuning.search` without halving, which would only lessen its work. *Faster*: its
trials a minute by those of each peer, in their order. *Best*: validation accuracy of the best trial of each, by which
to see that all do the same. The peers are installed by `pip install -e '.[bench]'`.
"""

import json
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from statistics import median

from benchmarks.measure import by_turns, run_process, table
from benchmarks.peers.searches.made import SEARCHES

ROUNDS = 2
SIDES = {  # column -> its program, and what it needs
    "pellucid": ("pellucid_search", "torch"),
    "Optuna, by hand": ("optuna_ready", "optuna"),
    "Optuna, `DataLoader`": ("optuna_loader", "optuna"),
    "Ray Tune, two cores": ("ray_tune", "ray"),
    "KerasTuner": ("keras_tuner_search", "keras_tuner"),
}
Measured = tuple[float, float]
"""Trials a minute, and the best accuracy."""


def compare() -> str:
    """Measure all sides on each network and return the table."""
    sides = {name: program for name, (program, package) in SIDES.items() if find_spec(package) is not None}
    rows = []
    for name, wanted in SEARCHES.items():
        programs: dict[str, Callable[[], Measured]] = {
            side: partial(_searched, program, name) for side, program in sides.items()
        }
        found = by_turns(programs, ROUNDS)
        speed = {side: median(rate for rate, _ in runs) for side, runs in found.items()}
        gains = " / ".join(f"{speed['pellucid'] / speed[side]:.1f}" for side in sides if side != "pellucid")
        best = " / ".join(f"{100 * runs[0][1]:.1f}" for runs in found.values())
        each = [f"{rate:,.0f}" for rate in speed.values()]
        rows.append([f"`{wanted.arrows}`", str(wanted.trials), *each, f"{gains} ×", best])
    left_out = [side for side in SIDES if side not in sides]
    note = f"\n\nNot installed, and left out: {', '.join(left_out)}." if left_out else ""
    return table(["network", "trials", *sides, "faster", "best, %"], rows) + note


def _searched(program: str, name: str) -> Measured:
    done = run_process([sys.executable, "-m", f"benchmarks.peers.searches.{program}", name])
    said = json.loads(done.output.splitlines()[-1])
    return said["trials_a_minute"], said["best"]
