"""Generative adversarial networks: digits made up, judged by a classifier of real ones.

`pellucid train digits --network gan` learns to draw the 8x8 digits bundled with scikit-learn from its training rows,
without their labels; the classifier is the one that `pellucid train digits` trains. Of 2,500 samples stand the share of
which the classifier is sure (more than 90 %), how evenly the classes are drawn (entropy of their shares over that of
equal ones), and the score of Salimans et al. 2016, exp of the mean divergence of p(class | sample) from p(class), 10 at
most, with this classifier in the place of Inception. The first row is of the real digits kept out of both trainings.

Every run is one line of `results/gan_digits.jsonl` as soon as it is measured, and is not measured again.
"""

import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import pellucid
from benchmarks.measure import THREADS, table
from pellucid.verbs.run import Run

SEEDS = range(3)
EPOCHS = 100
SAMPLES = 2_500
SURE = 0.9
RESULTS = Path(__file__).parent / "results" / "gan_digits.jsonl"


def scores(classifier: Run, pixels: Tensor) -> dict[str, float]:
    """Return what the classifier says of pictures."""
    with torch.no_grad():
        shares_NK = classifier.model()(classifier.preprocessing.prepare(pixels)).double().softmax(1)
    mean_K = shares_NK.mean(0)
    divergence = (shares_NK * (shares_NK.clamp_min(1e-12).log() - mean_K.clamp_min(1e-12).log())).sum(1).mean()
    drawn_K = torch.bincount(shares_NK.argmax(1), minlength=shares_NK.shape[1]) / len(pixels)
    return {
        "sure": float((shares_NK.amax(1) > SURE).double().mean()),
        "evenness": float(torch.special.entr(drawn_K).sum() / torch.tensor(float(len(drawn_K))).log()),
        "rarest": float(drawn_K.min()),
        "score": float(divergence.exp()),
    }


def measure(seed: int) -> dict[str, float]:
    """Train the classifier and the generator, and let the one judge what the other draws."""
    common: dict[str, Any] = {"threads": THREADS, "device": "cpu", "quiet": True, "no_report": True, "seed": seed}
    with tempfile.TemporaryDirectory() as folder:
        classifier = pellucid.train("digits", folder=folder, name="classifier", **common)
        began, cpu = time.perf_counter(), time.process_time()
        run = pellucid.train("digits", "gan", folder=folder, name="gan", epochs=EPOCHS, **common)
        seconds, used = time.perf_counter() - began, time.process_time() - cpu
        data = pellucid.load("digits")
        real = scores(classifier, data.inputs[data.rows["test"]])
        samples = run.sample(SAMPLES, seed=1)
        assert isinstance(samples, Tensor)
        made = scores(classifier, samples)
        result, judged = run.record.result, classifier.record.result
        assert result is not None
        assert judged is not None
        return {
            "seed": seed,
            "classifier_accuracy": judged.metrics["accuracy"],
            **made,
            **{f"real_{name}": value for name, value in real.items()},
            "energy_distance": result.metrics["energy_distance"],
            "best_epoch": result.best_epoch,
            "steps": run.record.epochs[-1].step,
            "seconds": round(seconds, 1),
            "cpu_seconds": round(used, 1),
            "load": round(os.getloadavg()[0], 1),
        }


def cells() -> Iterator[Mapping[str, float]]:
    """Yield every run's figures, from the file where they are there; else measure them and add them to the file."""
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
    """Return a row for each run, and one for real digits."""
    every = list(cells())
    figures = ("sure", "evenness", "rarest", "score")
    rows = [
        ["real digits", *(f"{sum(c[f'real_{name}'] for c in every) / len(every):.3f}" for name in figures), "", "", ""]
    ]
    for cell in every:
        row = [f"seed {cell['seed']}", *(f"{cell[name]:.3f}" for name in figures)]
        rows.append([*row, f"{cell['steps']:,}", str(cell["cpu_seconds"]), str(cell["seconds"])])
    return table(["drawn by", "sure", "evenness", "rarest class", "score", "steps", "CPU, s", "wall, s"], rows)


if __name__ == "__main__":
    print(compare())
