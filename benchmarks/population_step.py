"""Many networks at once.

Microseconds of one CPU for a step of one network (one thread computes): the shortest loop one would write by hand, as
above, which trains one network after the other, against `pellucid.training.population`, which trains K of them as one
computation. In each step pellucid also follows every member's own schedule, draws its own batch, and reads its loss to
see that it is finite. All start at other weights and see the rows in another order; the made-up data are the same.
"""

import time
from collections.abc import Callable
from statistics import median

import torch

from benchmarks.measure import THREADS, by_turns, table
from benchmarks.training_step import by_hand
from pellucid.data.arrays.arrays import from_arrays
from pellucid.recipe import DataOptions, Recipe
from pellucid.training import begin
from pellucid.training.population import Population

ROUNDS = 5
CASES = [  # arrows from the input, shape of a sample, classes, batch, members, steps
    ("20 -> fc(64) -> relu -> fc(64) -> relu -> fc(5)", (20,), 5, 32, (8, 64), 100),
    ("784 -> fc(128) -> relu -> fc(10)", (784,), 10, 64, (8, 64), 30),
    ("28x28x1 -> lenet5", (1, 28, 28), 10, 32, (4, 16), 15),
    ("T=28 x 28 -> gru(64) -> last -> fc(10)", (28, 28), 10, 32, (4, 16), 15),
]


def compare() -> str:
    """Measure both sides on each network and return the table."""
    torch.set_num_threads(THREADS)
    rows = []
    for arrows, shape, classes, batch_size, members, steps in CASES:
        x, y = torch.randn(steps * batch_size, *shape), torch.arange(steps * batch_size) % classes
        sides = {"1": by_hand(arrows, x, y, batch_size)}
        sides |= {str(count): together(arrows, x, y, batch_size, count) for count in members}
        by_turns(sides, 1)  # warm up
        microseconds = {count: median(times) for count, times in by_turns(sides, ROUNDS).items()}
        hand = microseconds.pop("1")
        for count, each in microseconds.items():
            rows.append([f"`{arrows}`", str(batch_size), count, f"{hand:.0f}", f"{each:.1f}", f"{hand / each:.1f} ×"])
    head = ["network", "batch", "K", "by hand, µs", "pellucid, µs a member", "faster"]
    return table(head, rows)


def together(arrows: str, x: torch.Tensor, y: torch.Tensor, batch_size: int, count: int) -> Callable[[], float]:
    """Return a function that trains `count` networks at once for some steps and returns the microseconds of one's."""
    rows = torch.arange(len(x))
    data = from_arrays("numbers", x, y, DataOptions(), test_rows=rows[-len(x) // 10 :])
    steps = len(data.rows["train"]) // batch_size

    def recipe(seed: int) -> Recipe:
        return Recipe(
            seed=seed, batch_size=batch_size, epochs=1000, learning_rate=1e-3, schedule="constant", augment=augment
        )

    augment = "none" if x.ndim == 4 else None
    population = Population([begin(data, arrows, recipe(seed)).session for seed in range(count)])
    advancing = population.advance(every=10**9)

    def measure() -> float:
        taken = 0.0
        for _ in range(steps):
            said: object = ()
            while said is not None:  # until a step was made: the judging of an epoch is no step's cost
                began = time.process_time()
                said = next(advancing)
            taken += time.process_time() - began
        return taken / steps / count * 1e6

    return measure
