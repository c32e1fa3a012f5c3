"""A batch at once against a loop over its samples.

Milliseconds of one CPU for a forward and a backward pass of a multi-layer perceptron over a batch: once for the whole
batch (a matrix product a layer), once for one sample after the other, whose gradients are summed. Both give the same
gradients, as `tests/training/test_logistic.py` holds.
"""

import time
from collections.abc import Callable
from statistics import median

import torch
from torch.nn import functional as F

from benchmarks.measure import THREADS, by_turns, table
from pellucid.networks import build

ROUNDS = 7
ARROWS = "64 -> mlp(128, 64, classes=10)"


def compare() -> str:
    """Measure both sides on batches of several sizes and return the table."""
    torch.set_num_threads(THREADS)
    rows = []
    for batch_size in (16, 64, 256, 1024):
        x, y = torch.randn(batch_size, 64), torch.arange(batch_size) % 10
        sides = {"batch": passes(x, y, batch_size), "loop": passes(x, y, 1)}
        by_turns(sides, 1)  # warm up
        times = {name: median(each) for name, each in by_turns(sides, ROUNDS).items()}
        ratio = f"{times['loop'] / times['batch']:.0f} ×"
        rows.append([str(batch_size), f"{times['batch']:.2f}", f"{times['loop']:.2f}", ratio])
    return table(["batch", "at once, ms", "in a loop, ms", "loop against batch"], rows)


def passes(x: torch.Tensor, y: torch.Tensor, at_once: int) -> Callable[[], float]:
    """Return a function that goes through all samples, so many at once, and returns the milliseconds."""
    network = build(ARROWS, 0)
    parts = list(zip(x.split(at_once), y.split(at_once), strict=True))

    def measure() -> float:
        began = time.process_time()
        network.zero_grad()
        for inputs_B, targets_B in parts:
            (F.cross_entropy(network(inputs_B), targets_B, reduction="sum") / len(x)).backward()
        return (time.process_time() - began) * 1e3

    return measure
