"""Degradation: deep plain networks against residual ones.

He et al. (2016) found that a plain network of more layers ends with a higher error on the very images it learns from,
which is no overfitting, and that the same layers with shortcuts do not. Here are their networks for CIFAR-10 at 8 and
32 layers and half the width, on 5,000 of its images averaged to half the size. All networks of a seed see the same
batches, for 10 epochs (momentum 0.9, peak rate 0.1, one-cycle, weight decay 1e-4, batches of 64, no augmentation).
The training error is that of the last weights on all 5,000 images, in evaluation mode; after 790 steps it tells how
far each network got in a fixed time, as the paper's does after 64,000. The test error is that on the 10,000 test
images. Mean and standard deviation over the seeds.

Every training is one line of `results/degradation.jsonl` as soon as it is done, and is not done again.

`python -m benchmarks.degradation paper` trains the paper's 20 and 56 layers in full width on all images, 164 epochs
each, as runs in `runs/` that go on where they were stopped when it is called again: hours on a GPU, days without.
"""

import dataclasses
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, stdev

import pellucid
from benchmarks.measure import THREADS, table
from pellucid.data.dataset import Dataset
from pellucid.recipe import Recipe
from pellucid.record import Epoch
from pellucid.training import begin, steps
from pellucid.training.evaluation import evaluate

NETWORKS = ("plain8", "plain32", "resnet8", "resnet32")
WIDTH = 8
IMAGES = 5_000
EPOCHS = 10
SEEDS = range(3)
RESULTS = Path(__file__).parent / "results" / "degradation.jsonl"

RUNS = Path("runs")
PAPERS = {"plain20": "", "plain56": "", "resnet20": "8.75 %", "resnet56": "6.97 %"}
"""Test error as the paper gives it; of the plain networks it only draws it, above that of the residual ones."""


def images(count: int = IMAGES) -> Dataset:
    """Return CIFAR-10 with `count` training images, and a tenth as many to judge the epochs by."""
    data = pellucid.load("cifar10")
    rows = {**data.rows, "train": data.rows["train"][:count], "validation": data.rows["validation"][: count // 10]}
    return dataclasses.replace(data, rows=rows)


def arrows(network: str, width: int = WIDTH) -> str:
    """Return a network of the zoo behind an averaging to half the size."""
    layers = str(pellucid.parse(f"16x16x3 -> {network}(width={width})")).partition(" -> ")[2]
    return f"32x32x3 -> avgpool(2x2) -> {layers}"


def measure(data: Dataset, network: str, seed: int, epochs: int = EPOCHS) -> dict[str, float | str]:
    """Train a network and return its errors with the weights it ends with."""
    began, cpu = time.perf_counter(), time.process_time()
    recipe = Recipe(
        seed=seed,
        epochs=epochs,
        batch_size=64,
        optimizer="momentum",
        learning_rate=0.1,
        weight_decay=1e-4,
        augment="none",
        threads=THREADS,
        device="cpu",
    )
    session = begin(data, arrows(network), recipe).session
    losses = [event.loss for event in steps(session) if isinstance(event, Epoch)]
    return {
        "network": network,
        "seed": seed,
        "training_loss": losses[-1],
        "training_error": 1 - evaluate(session.network, data, session.task, "train", session.device)["accuracy"],
        "test_error": 1 - evaluate(session.network, data, session.task, "test", session.device)["accuracy"],
        "seconds": round(time.perf_counter() - began, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "load": round(os.getloadavg()[0], 1),
    }


def cells() -> Iterator[dict[str, float | str]]:
    """Yield every training's line, measuring those that are not yet there."""
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    done = {(cell["network"], cell["seed"]): cell for cell in map(json.loads, lines)}
    RESULTS.parent.mkdir(exist_ok=True)
    data = None
    for seed in SEEDS:
        for network in NETWORKS:
            if (network, seed) not in done:
                data = data or images()
                done[network, seed] = measure(data, network, seed)
                with RESULTS.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(done[network, seed]) + "\n")
            yield done[network, seed]


def compare() -> str:
    """Return a row for each network."""
    measured = list(cells())
    rows = []
    for network in NETWORKS:
        own = [cell for cell in measured if cell["network"] == network]
        plan = pellucid.parse(arrows(network))
        errors = [_spread([float(cell[name]) for cell in own]) for name in ("training_error", "test_error")]
        seconds = mean(float(cell["cpu_seconds"]) for cell in own)
        rows.append([network, f"{plan.parameters:,}", f"{len(own)}", *errors, f"{seconds:.0f}"])
    return table(["network", "parameters", "seeds", "training error", "test error", "CPU, s"], rows)


def paper() -> str:
    """Train the paper's networks, or go on with those that were stopped, and return a row for each that is done.

    As the paper's section 4.2 but for the rate, which is divided by 10 after each third of the steps, where the paper
    does after a half and three quarters, and for the images held back to judge the epochs by.
    """
    rows = []
    for network, error in PAPERS.items():
        folder = RUNS / f"degradation-{network}"
        if not folder.exists():
            run = pellucid.train(
                "cifar10",
                network,
                name=folder.name,
                folder=str(RUNS),
                epochs=164,
                batch_size=128,
                optimizer="momentum",
                learning_rate=0.1,
                schedule="step",
                weight_decay=1e-4,
                augment="crop=4,flip",
            )
        elif pellucid.open_run(folder).record.result is None:
            run = pellucid.train(resume=str(folder))
        else:
            run = pellucid.open_run(folder)
        if run.record.result is None:  # stopped: the rest another time
            break
        errors = [f"{1 - run.evaluate(split=split)['accuracy']:.2%}" for split in ("train", "test")]
        rows.append([network, *errors, error])
    return table(["network", "training error", "test error", "the paper's test error"], rows)


def _spread(values: list[float]) -> str:
    return f"{mean(values):.1%} ± {stdev(values):.1%}"


if __name__ == "__main__":
    print(paper() if sys.argv[1:] == ["paper"] else compare())
