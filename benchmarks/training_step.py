"""One optimiser step.

Microseconds of one CPU a step (on an idle machine the time on the clock: one thread computes) of
`pellucid.training.loop.train_step` against the shortest loop one would write by hand: rows shuffled and
standardised beforehand, forward, loss, backward, fused AdamW, nothing else. In each of its steps pellucid also follows
the learning-rate schedule, seeds the step's random numbers from the run's seed, gathers and standardises its rows,
and reads the loss to see that it is finite. Of such chains of layers it calls the kernels of the backward pass itself,
where torch finds them by autograd; the gradients are the same to the bit. Both sides train the same network on the same
made-up numbers.
"""

import time
from collections.abc import Callable
from statistics import median

import torch
from torch.nn import functional as F

from benchmarks.measure import THREADS, by_turns, table
from pellucid.data.arrays.arrays import from_arrays
from pellucid.networks import build
from pellucid.recipe import DataOptions, Recipe
from pellucid.training.backpropagation import chain_of
from pellucid.training.defaults import fill_in
from pellucid.training.device import choose_device
from pellucid.training.loop import open_session, train_step
from pellucid.training.tasks import task_for

ROUNDS = 15
STEPS = 300
NETWORKS = [(20, "fc(64) -> relu -> fc(64) -> relu", 5, 32), (784, "fc(128) -> relu", 10, 64)]


def compare() -> str:
    """Measure both sides on each network and return the table."""
    torch.set_num_threads(THREADS)
    rows = []
    for features, hidden, classes, batch_size in NETWORKS:
        arrows = f"{features} -> {hidden} -> fc({classes})"
        x = torch.randn(STEPS * batch_size, features)
        y = torch.arange(len(x)) % classes
        sides = {"by hand": by_hand(arrows, x, y, batch_size), "ours": by_pellucid(arrows, x, y, batch_size)}
        by_turns(sides, 2)  # warm up
        microseconds = {name: median(times) for name, times in by_turns(sides, ROUNDS).items()}
        hand, ours = microseconds["by hand"], microseconds["ours"]
        rows.append([f"`{arrows}`", str(batch_size), f"{hand:.0f}", f"{ours:.0f}", f"{ours / hand:.2f} ×"])
    return table(["network", "batch", "by hand, µs", "pellucid, µs", "pellucid against by hand"], rows)


def by_hand(arrows: str, x: torch.Tensor, y: torch.Tensor, batch_size: int) -> Callable[[], float]:
    """Return a function that trains STEPS steps by a plain loop and returns the microseconds of one."""
    network = build(arrows, 0)
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3, fused=True)
    batches = list(zip(x.split(batch_size), y.split(batch_size), strict=True))

    def measure() -> float:
        began = time.process_time()
        for inputs_B, targets_B in batches:
            loss = F.cross_entropy(network(inputs_B), targets_B)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return (time.process_time() - began) / len(batches) * 1e6

    return measure


def by_pellucid(arrows: str, x: torch.Tensor, y: torch.Tensor, batch_size: int) -> Callable[[], float]:
    """Return a function that trains STEPS steps by pellucid and returns the microseconds of one."""
    everything = torch.arange(len(x))
    data = from_arrays("numbers", x, y, DataOptions(), test_rows=everything[-len(x) // 10 :])
    recipe = fill_in(Recipe(batch_size=batch_size, epochs=100, learning_rate=1e-3, schedule="constant"), data)
    session = open_session(build(arrows, 0), data, task_for(data, recipe), recipe, choose_device(recipe))
    session.network.train()
    session.backpropagate = chain_of(session)
    batches = everything[torch.randperm(len(x))].split(batch_size)

    def measure() -> float:
        began = time.process_time()
        for rows_B in batches:
            train_step(session, rows_B, measure=False)  # as in all but about 1,000 steps of a training
        return (time.process_time() - began) / len(batches) * 1e6

    return measure
