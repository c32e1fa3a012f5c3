"""How cost grows.

Time and memory of a training against three sizes, each point a process of its own with one thread: K networks
20-64-64-5 trained at once (batches of 32), the width W of one network 20-W-W-5, and the rows N that such a network of
width 64 learns from. Time is that of an optimiser step of all K networks, of a step, and of an epoch; memory is what
the process holds at most beyond what it held after a training of the least size.

The exponent p is that of the straight line through the logarithms, cost = c sizeᵖ: of all points, and of the upper
half, where what a step costs whatever its size no longer shows. The figure draws all of it.

    python -m benchmarks.growth [AXIS SIZE]
"""

import itertools
import json
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

import numpy as np
import torch
from matplotlib.figure import Figure

from benchmarks.measure import THREADS, run_process, table
from pellucid.data.arrays.arrays import from_arrays
from pellucid.data.dataset import Dataset
from pellucid.recipe import DataOptions, Recipe
from pellucid.training import begin
from pellucid.training.loop import advance
from pellucid.training.population import Population

SIZES: Mapping[str, Sequence[int]] = {
    "networks at once": (1, 4, 16, 64, 256, 1024),
    "width": (32, 64, 128, 256, 512, 1024, 2048),
    "rows": (4_000, 16_000, 64_000, 256_000, 1_000_000),
}
UNIT = {"networks at once": "a step of all", "width": "a step", "rows": "an epoch"}
BATCH = 32
SECONDS = 3.0
"""For which steps are timed, but at least so many as `STEPS`."""
STEPS = 10
FIGURE = Path(__file__).parents[1] / "docs" / "growth.svg"
Point = Mapping[str, float]


def measure(axis: str, size: int) -> Point:
    """Return the seconds and the bytes that one size takes, in a process that has measured nothing before."""
    torch.set_num_threads(THREADS)
    seconds = {"networks at once": _of_networks, "width": _of_width, "rows": _of_rows}[axis]
    seconds(min(SIZES[axis]), 0.0)  # torch allocates at its first step what it keeps
    before = _most_held()
    taken = seconds(size, SECONDS)
    return {"seconds": taken, "bytes": max(_most_held() - before, resource.getpagesize())}


def _of_networks(count: int, wanted: float) -> float:
    data, recipe = _data(BATCH * 100), _recipe()
    sessions = [begin(data, _arrows(64), recipe).session for _ in range(count)]
    return _timed(Population(sessions).advance(every=10**9), wanted)


def _of_width(width: int, wanted: float) -> float:
    return _timed(advance(begin(_data(BATCH * 100), _arrows(width), _recipe()).session, 10**9), wanted)


def _of_rows(rows: int, wanted: float) -> float:
    session = begin(_data(rows), _arrows(64), _recipe()).session
    began, events = time.process_time(), advance(session, 10**9)
    while next(events) is None and (wanted or session.progress.step < STEPS):  # an epoch, or a few steps to warm up
        pass
    return time.process_time() - began


def _timed(events: Iterator[object], wanted: float) -> float:
    """Return the median time of a step; what is yielded but None is no step, but the judging of an epoch."""
    taken: list[float] = []
    while len(taken) < STEPS or sum(taken) < wanted:
        began = time.process_time()
        if next(events) is None:
            taken.append(time.process_time() - began)
    return median(taken)


def _arrows(width: int) -> str:
    return f"20 -> fc({width}) -> relu -> fc({width}) -> relu -> fc(5)"


def _recipe() -> Recipe:
    return Recipe(batch_size=BATCH, epochs=100_000, learning_rate=1e-3, schedule="constant", threads=THREADS)


def _data(rows: int) -> Dataset:
    random = np.random.default_rng(0)
    inputs, classes = random.standard_normal((rows, 20), np.float32), random.integers(0, 5, rows)
    return from_arrays("numbers", inputs, classes, DataOptions())


def _most_held() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def exponent(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """Return p of cost = c sizeᵖ by least squares on the logarithms.

    >>> round(exponent([1, 2, 4], [3, 12, 48]), 6)
    2.0
    """
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def compare() -> str:
    """Measure every size in a process of its own, draw the figure and return the table."""
    found = {axis: [_in_a_process(axis, size) for size in sizes] for axis, sizes in SIZES.items()}
    rows = []
    for (axis, points), cost in itertools.product(found.items(), ("seconds", "bytes")):
        sizes, costs = SIZES[axis], [point[cost] for point in points]
        upper = len(sizes) // 2
        rows.append(
            [axis, "time of " + UNIT[axis] if cost == "seconds" else "memory"]
            + [f"{size:,}: {_written(cost, value)}" for size, value in ((sizes[0], costs[0]), (sizes[-1], costs[-1]))]
            + [f"{exponent(sizes, costs):.2f}", f"{exponent(sizes[upper:], costs[upper:]):.2f}"]
        )
    draw(found)
    head = ["size", "cost", "at least", "at most", "exponent", "of the upper half"]
    return f"{table(head, rows)}\n\n![Time and memory against size, on logarithmic scales]({FIGURE.name})"


def _in_a_process(axis: str, size: int) -> Point:
    run = run_process([sys.executable, "-m", "benchmarks.growth", axis, str(size)])
    point: Point = json.loads(run.output)
    return point


def _written(cost: str, value: float) -> str:
    if cost == "bytes":
        return f"{value / 2**20:,.1f} MiB"
    return f"{value:.2f} s" if value >= 1 else f"{value * 1e3:.3g} ms"


def draw(found: Mapping[str, Sequence[Point]]) -> None:
    """Draw each axis: time and memory against size, each with the line of the fitted exponent through its middle."""
    figure = Figure(figsize=(11, 6), layout="constrained")
    panels = figure.subplots(2, len(found))
    for column, (axis, points) in enumerate(found.items()):
        sizes = SIZES[axis]
        for panel, cost in zip(panels[:, column], ("seconds", "bytes"), strict=True):
            costs = [point[cost] / (2**20 if cost == "bytes" else 1e-3) for point in points]
            slope = exponent(sizes, costs)
            middle = np.exp(np.log(costs).mean() - slope * np.log(sizes).mean())
            panel.loglog(sizes, costs, "o-", linewidth=0.9)
            panel.loglog(sizes, middle * np.array(sizes, float) ** slope, ":", color="grey", label=f"p = {slope:.2f}")
            panel.set(xlabel=axis, ylabel=f"ms, {UNIT[axis]}" if cost == "seconds" else "MiB")
            panel.legend()
    figure.savefig(FIGURE, metadata={"Date": None})


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
    else:
        print(compare())
