"""Hopfield network: how many random patterns it remembers.

A Hebbian network of N units stores P = alpha N patterns of independent random signs. Recall starts at a stored
pattern and changes one unit after the other, in random order, until no unit would change; the pattern is retained
where the state at rest has an overlap above 0.9 with it, and exact where it is the pattern itself. The load at which
half of the patterns are retained falls as N grows, and is extrapolated to infinite N by a straight line in a power of
1/N; wanted is the 0.138 of Amit, Gutfreund and Sompolinsky (1985) within 0.015. No theory of the power is assumed:
the one that leaves least is the best guess, and the others say how much depends on it. Exact recall ends far earlier.
A pattern is a fixed point where none of its N fields, of mean 1 and variance P/N, has the wrong sign: half of them
are where N Q(sqrt(N/P)) = ln 2, with the tail Q of the normal distribution, which tends to P = N / (2 ln N) (McEliece,
Posner, Rodemich and Venkatesh, 1987).

Every cell (N, alpha, seed) is one line of `results/hopfield_capacity.jsonl` as soon as it is measured, and is not
measured again. The intervals are from 2,000 bootstrap samples of the seeds: 95 %.
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import NormalDist

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.measure import THREADS, table
from pellucid.blocks import Hopfield
from pellucid.seed import generator

SEEDS: Mapping[int, int] = {500: 32, 1000: 16, 2000: 8, 4000: 4}
"""Networks of each size: as many as make the sizes cost about the same."""

LOADS = (*np.arange(0.02, 0.105, 0.01).round(3).tolist(), *np.arange(0.11, 0.1825, 0.005).round(3).tolist())
STARTS = 50
"""Patterns that recall starts from in each network, the first ones, where there are more."""

POWERS = (0.5, 2 / 3, 1.0)
RESULTS = Path(__file__).parent / "results" / "hopfield_capacity.jsonl"
FIGURE = Path(__file__).parents[1] / "docs" / "hopfield-capacity.svg"
Cell = Mapping[str, float]
Shares = Mapping[int, NDArray[np.float64]]  # of each size, (seeds, loads)


def measure(units: int, load: float, seed: int) -> dict[str, float]:
    """Store, recall from the stored patterns, and return how much of them is there in the end.

    Of one seed, the patterns of a smaller load are the first ones of a larger, so that loads are compared on the same.
    """
    began = time.perf_counter()
    count = round(load * units)
    random = generator(seed, "patterns", units)
    patterns_PN = torch.randint(0, 2, (round(max(LOADS) * units), units), generator=random)[:count] * 2.0 - 1
    network = Hopfield(units, count, sweeps=1_000)
    network.store(patterns_PN)
    starts_BN = patterns_PN[:STARTS]
    ended_BN = network.recall(starts_BN, generator(seed, "order", units))
    overlap_B = (ended_BN * starts_BN).mean(1)
    return {
        "units": units,
        "load": load,
        "seed": seed,
        "patterns": count,
        "retained": float((overlap_B > 0.9).double().mean()),
        "exact": float((ended_BN == starts_BN).all(1).double().mean()),
        "overlap": float(overlap_B.double().mean()),
        "ended_higher": int((network.energy(ended_BN) > network.energy(starts_BN)).sum()),
        "seconds": round(time.perf_counter() - began, 3),
    }


def cells(sizes: Mapping[int, int] = SEEDS, results: Path = RESULTS) -> Iterator[Cell]:
    """Yield every cell, from the file where it is there; else measure it and add it to the file."""
    torch.set_num_threads(THREADS)
    lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    done = {(cell["units"], cell["load"], cell["seed"]): cell for cell in map(json.loads, lines)}
    results.parent.mkdir(parents=True, exist_ok=True)
    for units, seeds in sizes.items():
        for seed in range(seeds):
            for load in LOADS:
                cell = done.get((units, load, seed))
                if cell is None:
                    cell = measure(units, load, seed)
                    with results.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(cell) + "\n")
                yield cell


def shares(measured: Sequence[Cell], name: str) -> Shares:
    """Return one figure of the cells of each size, (seeds, loads)."""
    found: dict[int, dict[tuple[float, float], float]] = defaultdict(dict)
    for cell in measured:
        found[int(cell["units"])][cell["seed"], cell["load"]] = cell[name]
    return {
        units: np.array([[values[seed, load] for load in LOADS] for seed in sorted({seed for seed, _ in values})])
        for units, values in found.items()
    }


def crossing(share_SL: NDArray[np.float64]) -> float:
    """Return the load at which the mean share of the seeds falls through a half, between two loads on a line."""
    share_L = share_SL.mean(0)
    (above,) = np.nonzero(share_L >= 0.5)
    last = int(above[-1])
    here, behind = share_L[last], share_L[last + 1]
    return float(LOADS[last] + (LOADS[last + 1] - LOADS[last]) * (here - 0.5) / (here - behind))


def half_exact(units: int) -> float:
    """Return the load at which half of the patterns are fixed points, were the fields of a pattern independent."""
    return float(NormalDist().inv_cdf(1 - np.log(2) / units) ** -2)


def extrapolate(sizes: Sequence[int], loads: NDArray[np.float64], power: float) -> tuple[float, float, float]:
    """Return the limit a of the least-squares line a + b / N^power, its b, and the root mean square of what is left."""
    design = np.column_stack([np.ones(len(sizes)), np.array(sizes, dtype=float) ** -power])
    (limit, slope), *_ = np.linalg.lstsq(design, loads, rcond=None)
    left = loads - design @ np.array([limit, slope])
    return float(limit), float(slope), float(np.sqrt((left**2).mean()))


def resampled(share: Shares, samples: int = 2_000) -> NDArray[np.float64]:
    """Return the crossings of bootstrap samples of the seeds, (samples, sizes)."""
    random = np.random.default_rng(0)
    return np.array(
        [
            [crossing(rows[random.integers(len(rows), size=len(rows))]) for rows in share.values()]
            for _ in range(samples)
        ]
    )


def compare() -> str:
    """Measure what is not measured yet; return the tables and draw the figure."""
    measured = list(cells())
    retained, exact = shares(measured, "retained"), shares(measured, "exact")
    sizes, drawn = list(retained), resampled(retained)
    loads = np.array([crossing(rows) for rows in retained.values()])
    draw(retained, exact, loads)
    by_size = table(
        [
            "N",
            "seeds",
            "half retained at P/N",
            "95 %",
            "half exact at P/N",
            "expected",
            "1 / (2 ln N)",
            "ended at a higher energy",
            "seconds",
        ],
        [
            [
                f"{units:,}",
                f"{len(retained[units])}",
                f"{load:.4f}",
                _interval(drawn[:, place]),
                f"{crossing(exact[units]):.4f}",
                f"{half_exact(units):.4f}",
                f"{1 / (2 * np.log(units)):.4f}",
                f"{sum(cell['ended_higher'] for cell in measured if cell['units'] == units):.0f}",
                f"{sum(cell['seconds'] for cell in measured if cell['units'] == units):.0f}",
            ]
            for place, (units, load) in enumerate(zip(sizes, loads, strict=True))
        ],
    )
    limits = []
    for power in POWERS:
        limit, slope, left = extrapolate(sizes, loads, power)
        spread = np.array([extrapolate(sizes, row, power)[0] for row in drawn])
        limits.append([f"a + b / N^{power:.3g}", f"{limit:.4f}", _interval(spread), f"{slope:.3f}", f"{left:.5f}"])
    fits = table(["law", "a, the limit", "95 %", "b", "root mean square left"], limits)
    return f"{by_size}\n\n{fits}\n\n![Share of the patterns retained and exact, by load]({FIGURE.name})"


def draw(retained: Shares, exact: Shares, loads: NDArray[np.float64]) -> None:
    """Draw the shares by load, and the crossings by 1/N."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for number, units in enumerate(retained):
        left.plot(LOADS, retained[units].mean(0), f"C{number}-", label=f"N = {units:,}")
        left.plot(LOADS, exact[units].mean(0), f"C{number}:")
    left.axvline(0.138, color="grey", linewidth=0.8)
    left.set(xlabel="load P/N", ylabel="share of the patterns", title="retained (lines) and exact (dots)")
    left.legend()
    sizes = np.array(list(retained), dtype=float)
    right.plot(1 / sizes, loads, "ko")
    ahead = np.linspace(0, 1 / sizes.min(), 200)[1:]
    for power in POWERS:
        limit, slope, _ = extrapolate(list(retained), loads, power)
        right.plot(
            ahead, limit + slope * ahead**power, linewidth=0.8, label=f"{limit:.3f} + {slope:.2f} / N^{power:.2g}"
        )
    right.axhline(0.138, color="grey", linewidth=0.8)
    right.annotate("0.138", (1 / sizes.min(), 0.138), xytext=(0, 3), textcoords="offset points", ha="right")
    right.set_xticks([0, *1 / sizes], ["∞", *(f"{units:,.0f}" for units in sizes)])
    right.set(xlabel="N, on a scale of 1/N", ylabel="load at which half are retained", title="extrapolated")
    right.legend()
    figure.savefig(FIGURE, metadata={"Date": None})


def _interval(values: NDArray[np.float64]) -> str:
    low, high = np.quantile(values, [0.025, 0.975])
    return f"{low:.4f} to {high:.4f}"
