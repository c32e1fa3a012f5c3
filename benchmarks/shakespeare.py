r"""Tiny Shakespeare: nats a character on text that was not trained on, against the wall time it took.

A single LSTM of 256 units reads the first 90 % of the text on from batch to batch with its state carried, in windows of
64 characters; the next 5 % choose the epoch, the last 5 % test. Both are read on as well. Each seed is one line of
`results/shakespeare.jsonl` as soon as it is measured, and is not measured again. The command for one of them:

    pellucid train tinyshakespeare --network "lstm(256, every_step=yes)" --epochs 6 --batch-size 32 \\
        --learning-rate 4e-3 --clip-norm 1 --threads 2 --seed 0
"""

import json
import math
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pellucid
from benchmarks.measure import table

SEEDS = range(3)
EPOCHS = 6
RESULTS = Path(__file__).parent / "results" / "shakespeare.jsonl"


def measure(seed: int) -> dict[str, float]:
    """Train and judge."""
    began, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        run = pellucid.train(
            "tinyshakespeare",
            "lstm(256, every_step=yes)",
            seed=seed,
            epochs=EPOCHS,
            batch_size=32,
            learning_rate=4e-3,
            clip_norm=1.0,
            threads=2,
            device="cpu",
            folder=folder,
            quiet=True,
            no_report=True,
        )
        seconds = time.perf_counter() - began
        best = min(run.record.epochs, key=lambda epoch: epoch.validation["loss"])
        test = run.evaluate(split="test")["loss"]
    return {
        "seed": seed,
        "validation": best.validation["loss"],
        "test": test,
        "epoch": best.epoch,
        "steps": run.record.epochs[-1].step,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "load": round(os.getloadavg()[0], 1),
    }


def cells() -> Iterator[dict[str, float]]:
    """Yield every seed's figures, from the file where they are there; else measure them and add them to the file."""
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    done = {cell["seed"]: cell for cell in map(json.loads, lines)}
    RESULTS.parent.mkdir(exist_ok=True)
    for seed in SEEDS:
        if seed not in done:
            done[seed] = measure(seed)
            with RESULTS.open("a", encoding="utf-8") as file:
                file.write(json.dumps(done[seed]) + "\n")
        yield done[seed]


def compare() -> str:
    """Return a row for each seed."""
    head = ["seed", "validation, nats", "bits", "test, nats", "epoch kept", "steps", "CPU, s", "wall, s", "load"]
    return table(
        head,
        [
            [
                str(cell["seed"]),
                f"{cell['validation']:.3f}",
                f"{cell['validation'] / math.log(2):.3f}",
                f"{cell['test']:.3f}",
                str(cell["epoch"]),
                f"{cell['steps']:,}",
                str(cell["cpu_seconds"]),
                str(cell["seconds"]),
                str(cell["load"]),
            ]
            for cell in cells()
        ],
    )


if __name__ == "__main__":
    print(compare())
