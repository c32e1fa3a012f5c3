"""Generative adversarial networks: modes found of 8 on a ring and of 25 in a grid.

The networks and the recipe are those that pellucid chooses for such data (`pellucid train ring --network gan`), but for
the number of epochs. Each run's weights are those with the smallest energy distance to the validation points. 2,500
samples are drawn of them; one is of high quality within 3 standard deviations of a centre, and a mode is found that
has one such sample (the rule of VEEGAN, Srivastava et al. 2017, and PacGAN, Lin et al. 2018); beside it stand the modes
that have at least a tenth of their fair share of the samples. The centres and the count are this file's own.

Every run is one line of `results/gan_modes.jsonl` as soon as it is measured, and is not measured again.
"""

import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from scipy.spatial import KDTree
from torch import Tensor

import pellucid
from benchmarks.measure import THREADS, table

SEEDS = range(5)
EPOCHS = 60
SAMPLES = 2_500
RESULTS = Path(__file__).parent / "results" / "gan_modes.jsonl"

ANGLES = np.arange(8) * np.pi / 4
CENTRES = {
    "ring": np.stack([2 * np.cos(ANGLES), 2 * np.sin(ANGLES)], axis=1),
    "grid": np.array([(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)], dtype=float),
}
DEVIATIONS = {"ring": 0.02, "grid": 0.05}


def measure(data: str, seed: int) -> dict[str, float | str]:
    """Train, sample and count."""
    began, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        run = pellucid.train(
            data,
            "gan",
            seed=seed,
            epochs=EPOCHS,
            threads=THREADS,
            device="cpu",
            folder=folder,
            quiet=True,
            no_report=True,
        )
        samples = run.sample(SAMPLES, seed=1)
        result = run.record.result
        assert result is not None
        best, energy = result.best_epoch, result.metrics["energy_distance"]
        steps = run.record.epochs[-1].step
    assert isinstance(samples, Tensor)
    away, mode = KDTree(CENTRES[data]).query(samples.numpy())
    good = away <= 3 * DEVIATIONS[data]
    counts = np.bincount(mode[good], minlength=len(CENTRES[data]))
    return {
        "data": data,
        "seed": seed,
        "modes": int((counts > 0).sum()),
        "even": int((counts >= 0.1 * SAMPLES / len(counts)).sum()),
        "high_quality": float(good.mean()),
        "energy_distance": energy,
        "best_epoch": best,
        "steps": steps,
        "seconds": round(time.perf_counter() - began, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "load": round(os.getloadavg()[0], 1),
    }


def cells() -> Iterator[Mapping[str, float | str]]:
    """Yield every run's figures, from the file where they are there; else measure them and add them to the file."""
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    done = {(cell["data"], cell["seed"]): cell for cell in map(json.loads, lines)}
    RESULTS.parent.mkdir(exist_ok=True)
    for data in CENTRES:
        for seed in SEEDS:
            if (data, seed) not in done:
                done[data, seed] = measure(data, seed)
                with RESULTS.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(done[data, seed]) + "\n")
            yield done[data, seed]


def compare() -> str:
    """Return a row for each run."""
    head = [
        "data, seed",
        "modes",
        "with a tenth of their share",
        "high quality",
        "epoch kept",
        "steps",
        "CPU, s",
        "wall, s",
    ]
    return table(
        head,
        [
            [
                f"{cell['data']}, {cell['seed']}",
                f"{cell['modes']} of {len(CENTRES[str(cell['data'])])}",
                str(cell["even"]),
                f"{100 * float(cell['high_quality']):.1f} %",
                str(cell["best_epoch"]),
                f"{cell['steps']:,}",
                str(cell["cpu_seconds"]),
                str(cell["seconds"]),
            ]
            for cell in cells()
        ],
    )


if __name__ == "__main__":
    print(compare())
