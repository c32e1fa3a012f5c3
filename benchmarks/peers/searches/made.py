"""What is searched: the networks, the data, the ranges; and how a side answers."""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from sklearn.datasets import load_digits

from pellucid.data import load
from pellucid.data.dataset import Dataset

BATCH = 32
RATES, MOMENTA, DECAYS = (1e-4, 3e-2), (0.8, 0.98), (1e-4, 0.3)


@dataclass(frozen=True)
class Search:
    """So many trials of a network, each of so many epochs."""

    arrows: str
    trials: int
    epochs: int


SEARCHES = {
    "mlp": Search("8x8x1 -> fc(64) -> relu -> fc(64) -> relu -> fc(10)", 64, 6),
    "cnn": Search(
        "8x8x1 -> conv(8, 3x3, padding=same) -> relu -> maxpool(2x2) -> conv(16, 3x3, padding=same) -> relu -> fc(10)",
        16,
        4,
    ),
    "gru": Search("T=8 x 8 -> gru(64) -> last -> fc(10)", 16, 3),
}


def data_of(name: str) -> Dataset:
    """Return the digits: as images, or as sequences of their rows."""
    if name != "gru":
        return load("digits")
    digits = load_digits()
    return load((digits.images.astype("float32") / 16, digits.target))


def answer(search: Callable[[str, Search, Dataset], float]) -> None:
    """Run the search that the command line names, and print its trials a minute and the best accuracy."""
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    name = sys.argv[1]
    wanted, data = SEARCHES[name], data_of(name)
    search(name, replace(wanted, trials=2), data)  # what is imported or started on the way is no part of a trial
    began = time.perf_counter()
    best = search(name, wanted, data)
    rate = 60 * wanted.trials / (time.perf_counter() - began)
    print(json.dumps({"trials_a_minute": rate, "best": best}))
