"""The trainings that are compared: made-up data, the same for all, and how a program says what its steps took."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

TOKENS, WINDOW = 65, 64
RATE = 1e-3
"""Of Adam, which all use at its defaults."""
Array = npt.NDArray[np.float32] | npt.NDArray[np.int64]


@dataclass(frozen=True)
class Training:
    """A network, by its name and as pellucid's arrows, with the samples of a step and how many steps are timed."""

    arrows: str
    batch: int
    steps: int


TRAININGS = {
    "mlp": Training("20 -> fc(64) -> relu -> fc(64) -> relu -> fc(5)", 32, 400),
    "wide": Training("784 -> fc(128) -> relu -> fc(10)", 64, 150),
    "lenet5": Training("28x28x1 -> lenet5", 64, 30),
    "resnet8": Training("32x32x3 -> resnet8", 32, 6),
    "charlstm": Training(f"tokens({TOKENS}, length={WINDOW}) -> embed(64) -> lstm(128) -> fc({TOKENS})", 64, 6),
}
SHAPES = {"mlp": (20,), "wide": (784,), "lenet5": (28, 28, 1), "resnet8": (32, 32, 3)}
CLASSES = {"mlp": 5, "wide": 10, "lenet5": 10, "resnet8": 10, "charlstm": TOKENS}


def made(name: str) -> tuple[Array, Array]:
    """Return the samples of all steps, images as (N, height, width, channels), and their classes."""
    training, random = TRAININGS[name], np.random.default_rng(0)
    count = training.batch * training.steps
    if name == "charlstm":
        tokens_NT = random.integers(0, TOKENS, (count, WINDOW + 1))
        return tokens_NT[:, :-1], tokens_NT[:, 1:]
    x = random.standard_normal((count, *SHAPES[name]), dtype=np.float32)
    return x, random.integers(0, CLASSES[name], count)


def answer(make: Callable[[str], Callable[[], None]]) -> None:
    """Make a training by the name on the command line; for each line that comes in, train and print the seconds.

    Args:
        make: returns what trains all steps once, and is done when they are.
    """
    train = make(sys.argv[1])
    for _ in range(2):  # what is compiled, chosen or allocated on the way is no part of a step
        train()
    print("ready", flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        train()
        print(time.perf_counter() - began, flush=True)
