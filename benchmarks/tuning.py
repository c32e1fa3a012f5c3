"""Searches.

Trials a minute of whole searches on scikit-learn's digits, one thread a side: each trial draws a learning rate, a
momentum and a weight decay at random, trains some epochs, and is judged on the validation rows after each. The peers
are Optuna (its random sampler, one trial after the other) around the shortest loop one would write by hand, on tensors
that lie ready, and around the loop of its own PyTorch example, with a `DataLoader`. pellucid is
`pellucid.tuning.search` without halving, which would only lessen its work. *Best*: validation accuracy of the best
trial of each, by which to see that all three do the same.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median

import optuna
import torch
from sklearn.datasets import load_digits
from torch import nn

from benchmarks.measure import THREADS, by_turns, table
from pellucid.data import load
from pellucid.data.dataset import Dataset
from pellucid.networks import build
from pellucid.recipe import Recipe
from pellucid.tuning import Space, search

ROUNDS = 3
BATCH = 32
CASES = [  # arrows, trials, epochs
    ("8x8x1 -> fc(64) -> relu -> fc(64) -> relu -> fc(10)", 64, 6),
    (
        "8x8x1 -> conv(8, 3x3, padding=same) -> relu -> maxpool(2x2) -> conv(16, 3x3, padding=same) -> relu -> fc(10)",
        16,
        4,
    ),
    ("T=8 x 8 -> gru(64) -> last -> fc(10)", 16, 3),
]
RATES, MOMENTA, DECAYS = (1e-4, 3e-2), (0.8, 0.98), (1e-4, 0.3)
Batch = tuple[torch.Tensor, torch.Tensor]
Measured = tuple[float, float]
"""Trials a minute, and the best accuracy."""


def compare() -> str:
    """Measure all sides on each network and return the table."""
    torch.set_num_threads(THREADS)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rows = []
    for arrows, trials, epochs in CASES:
        data = _data(arrows)
        sides: dict[str, Callable[[], Measured]] = {
            "ready": partial(_by_optuna, data, arrows, trials, epochs, _ready),
            "loader": partial(_by_optuna, data, arrows, trials, epochs, _loader),
            "ours": partial(_by_pellucid, data, arrows, trials, epochs),
        }
        found = by_turns(sides, ROUNDS)
        speed = {name: median(each for each, _ in runs) for name, runs in found.items()}
        best = "/".join(f"{100 * runs[0][1]:.1f}" for runs in found.values())
        gains = [f"{speed['ours'] / speed[name]:.1f} ×" for name in ("ready", "loader")]
        rows.append([f"`{arrows}`", str(trials), *(f"{each:.0f}" for each in speed.values()), *gains, best])
    head = ["network", "trials", "Optuna, by hand", "Optuna, DataLoader", "pellucid", "faster", "faster", "best, %"]
    return table(head, rows)


def _data(arrows: str) -> Dataset:
    if not arrows.startswith("T"):
        return load("digits")
    digits = load_digits()
    return load((digits.images.astype("float32") / 16, digits.target))


def _by_pellucid(data: Dataset, arrows: str, trials: int, epochs: int) -> Measured:
    space = Space.of(
        {
            "learning_rate": f"{{{RATES[0]}..{RATES[1]} log}}",
            "momentum": f"{{{MOMENTA[0]}..{MOMENTA[1]}}}",
            "weight_decay": f"{{{DECAYS[0]}..{DECAYS[1]} log}}",
            "network": arrows,
        }
    )
    recipe = Recipe(
        epochs=epochs, batch_size=BATCH, schedule="constant", warmup=0.0, augment="none", device="cpu", threads=THREADS
    )
    began = time.perf_counter()
    found = search(data, space, recipe, trials=trials, share=1)
    return 60 * trials / (time.perf_counter() - began), max(trial.score[0] for trial in found)


def _by_optuna(
    data: Dataset, arrows: str, trials: int, epochs: int, batches: Callable[[Dataset], Callable[[], Iterator[Batch]]]
) -> Measured:
    each = batches(data)
    x_test, y_test = data.batch(data.rows["validation"])

    def objective(trial: optuna.Trial) -> float:
        network = build(arrows, seed=trial.number)
        optimizer = torch.optim.AdamW(
            network.parameters(),
            lr=trial.suggest_float("lr", *RATES, log=True),
            betas=(trial.suggest_float("momentum", *MOMENTA), 0.999),
            weight_decay=trial.suggest_float("decay", *DECAYS, log=True),
            fused=True,
        )
        best = 0.0
        for _ in range(epochs):
            network.train()
            for x, y in each():
                optimizer.zero_grad()
                nn.functional.cross_entropy(network(x), y).backward()
                optimizer.step()
            network.eval()
            with torch.no_grad():
                best = max(best, (network(x_test).argmax(1) == y_test).float().mean().item())
        return best

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    began = time.perf_counter()
    study.optimize(objective, n_trials=trials)
    return 60 * trials / (time.perf_counter() - began), study.best_value


def _ready(data: Dataset) -> Callable[[], Iterator[Batch]]:
    x, y = data.batch(data.rows["train"])

    def batches() -> Iterator[Batch]:
        order = torch.randperm(len(x))[: len(x) // BATCH * BATCH]
        return zip(x[order].split(BATCH), y[order].split(BATCH), strict=True)

    return batches


def _loader(data: Dataset) -> Callable[[], Iterator[Batch]]:
    rows = torch.utils.data.TensorDataset(*data.batch(data.rows["train"]))
    loader = torch.utils.data.DataLoader(rows, batch_size=BATCH, shuffle=True, drop_last=True)
    return lambda: iter(loader)
