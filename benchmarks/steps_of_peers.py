"""Steps a second of one training.

Optimiser steps a second of five networks, forward, backward and Adam, on one core: each side is a program of
`peers/steps/`, which keeps running and trains so many steps whenever it is its turn. Nothing but the steps is timed:
what is compiled or allocated before the first ones is not. All see the same samples, images in the order of axes that
each framework likes. The peers are installed by `pip install -e '.[bench]'`.

*By hand* and *compiled* are the shortest loop one would write in PyTorch, and the same with `torch.compile` around
network and loss. Lightning and skorch have everything but the loop switched off. Keras is `fit` on JAX; *JAX* is Flax
and Optax, each step compiled, and *scanned* all steps compiled as one loop. scikit-learn knows multi-layer perceptrons
alone. pellucid is `train_step`, which also follows the schedule, seeds the step's random numbers, gathers and
standardises its rows and reads the loss; without the diagnosis, whose cost docs/diagnosis.md has. *Of peak*: pellucid's
multiplications and additions by those of the faster of torch's two products of 1,024 x 1,024 matrices on this core in
the same run: by MKL, which its fully connected layers use, and by oneDNN, which its convolutions do.

`python -m benchmarks.steps_of_peers [NAME ...]` measures all networks anew, or some, two to four minutes each.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch.nn.functional import linear

from benchmarks.measure import THREADS, by_turns, lines_of, table
from benchmarks.peers.steps.made import TRAININGS
from pellucid.files import to_json_line
from pellucid.networks import parse

ROUNDS = 7
SIDES = {  # column -> its program, and what it needs
    "pellucid": ("pellucid_session", "torch"),
    "by hand": ("torch_by_hand", "torch"),
    "compiled": ("torch_compiled", "torch"),
    "Lightning": ("lightning_bare", "lightning"),
    "skorch": ("skorch_net", "skorch"),
    "Keras": ("keras_jax", "keras"),
    "JAX": ("jax_steps", "flax"),
    "scanned": ("jax_scan", "flax"),
    "scikit-learn": ("sklearn_mlp", "sklearn"),
}
SIZE = 1_024
RESULTS = Path(__file__).parent / "results" / "steps_of_peers.jsonl"


def compare() -> str:
    """Return the table of what was measured last; nothing is measured here."""
    lines = lines_of(RESULTS)
    if not lines:
        return "Not measured yet."
    rows = []
    for line in lines:
        training = TRAININGS[line["training"]]
        arrows = training.arrows.replace("|", "\\|")
        rows.append([f"`{arrows}`", str(training.batch), *_figures(line["speeds"]), f"{line['share']:.0%}"])
    head = ["network", "batch", *SIDES, "of the fastest peer", "of the median peer", "of peak"]
    days = ", ".join(dict.fromkeys(line["date"] for line in lines))
    return f"{table(head, rows)}\n\nMeasured on {days}."


def measure(names: Collection[str] = ()) -> None:
    """Measure networks by their names, all by default, and keep a line of each."""
    torch.set_num_threads(THREADS)
    missing = [name for name, (_, package) in SIDES.items() if find_spec(package) is None]
    if missing:
        sys.exit(f"not installed: {', '.join(missing)}; pip install -c constraints.txt -e '.[bench]'")
    for name in names or TRAININGS:
        line = _line(name)
        kept = {each["training"]: each for each in lines_of(RESULTS)} | {name: line}
        RESULTS.write_text("".join(to_json_line(kept[each]) for each in TRAININGS if each in kept), encoding="utf-8")
        print(to_json_line(line), end="", flush=True)


def _line(name: str) -> dict[str, Any]:
    training = TRAININGS[name]
    with _running(name) as programs:
        found = by_turns({**programs, "peak": _peak}, ROUNDS)
    peak = median(found.pop("peak"))
    speeds = {side: training.steps / median(seconds) for side, seconds in found.items()}
    flops = parse(training.arrows).flops
    assert flops is not None, "made of words whose operations are counted"
    share = 3 * flops * training.batch * speeds["pellucid"] / peak  # twice again for the backward pass
    return {"training": name, "speeds": speeds, "share": share, "date": f"{datetime.now(UTC):%Y-%m-%d}"}


def _figures(speeds: dict[str, float]) -> list[str]:
    peers = [speed for side, speed in speeds.items() if side != "pellucid"]
    against = [f"{speeds['pellucid'] / each:.2f} ×" for each in (max(peers), median(peers))]
    fastest = max(speeds, key=lambda side: speeds[side])
    each = [_rounded(speeds[side]) if side in speeds else "" for side in SIDES]
    return [*(f"**{cell}**" if side == fastest else cell for side, cell in zip(SIDES, each, strict=True)), *against]


def _rounded(speed: float) -> str:
    return f"{speed:,.0f}" if speed >= 100 else f"{speed:.1f}"


def _peak() -> float:
    """Return the operations a second of a large matrix product."""
    one, other = torch.randn(SIZE, SIZE), torch.randn(SIZE, SIZE)
    products = partial(torch.mm, one, other), partial(linear, one.to_mkldnn(), other.to_mkldnn())  # MKL's and oneDNN's
    return max(_operations(product) for product in products)


def _operations(product: Callable[[], torch.Tensor]) -> float:
    began = time.perf_counter()
    for _ in range(4):
        product()
    return 4 * 2 * SIZE**3 / (time.perf_counter() - began)


@contextlib.contextmanager
def _running(training: str) -> Iterator[dict[str, Callable[[], float]]]:
    """Start the programs of a training, and yield what lets each train its steps and returns the seconds."""
    started: dict[str, subprocess.Popen[str]] = {}
    try:
        for side, (program, _) in SIDES.items():
            process = _start(program, training)
            started[side] = process
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                if process.wait():
                    raise subprocess.CalledProcessError(process.returncode, process.args)
                started.pop(side)  # it knows no such network
        yield {side: _turn_of(process) for side, process in started.items()}
    finally:
        for process in started.values():
            process.kill()
            process.wait()


def _start(program: str, training: str) -> "subprocess.Popen[str]":
    core = str(max(os.sched_getaffinity(0)))
    one_thread = dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"], str(THREADS))
    command = ["taskset", "-c", core, sys.executable, "-m", f"benchmarks.peers.steps.{program}", training]
    return subprocess.Popen(  # noqa: S603 (the comparison's own programs)
        command, cwd=Path(__file__).parents[1], env=os.environ | one_thread, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def _turn_of(process: "subprocess.Popen[str]") -> Callable[[], float]:
    def turn() -> float:
        assert process.stdin is not None
        assert process.stdout is not None
        print(file=process.stdin, flush=True)
        return float(process.stdout.readline())

    return turn


if __name__ == "__main__":
    measure(sys.argv[1:])
    print(compare())
