"""Back-propagation through time: what is remembered over sixty steps, and how far the gradient reaches.

The adding problem of Hochreiter and Schmidhuber (1997), in the units of Le, Jaitly and Hinton (2015): of 60 numbers
between 0 and 1 two are marked, one in each half, and their sum is asked for after the last. Who always says 1 has a
mean squared error of 0.167. The marks are about 30 steps apart on average, and nothing in between tells of them.
A plain layer of tanh, a GRU and an LSTM of 32 units, as torch draws their weights, and an LSTM whose forget gates have
a bias of 1 more, learn for the same 3,000 steps from new sequences each (Adam, rate 2e-3, 32 sequences a batch,
gradients clipped to a norm of 1). A sum is right within 0.08, which is the 0.04 of the 1997 paper in its units.

How far the gradient reaches is |dh(T)/dx(t)|, the norm of the derivatives of the last hidden state by the input at
step t: here its share of the greatest at any step, 30 and 59 steps before the last, the geometric mean of the seeds.
The figure draws it by distance, and the error while learning.

Every training is one line of `results/through_time.jsonl` as soon as it is measured, and is not measured again.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean, geometric_mean
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.measure import THREADS, table
from pellucid.networks import build
from pellucid.networks.through_time import reach_within, recurrent_blocks
from pellucid.seed import generator

LENGTH = 60
STEPS = 3_000
UNITS = 32
RATE = 2e-3
BATCH = 32
SEEDS = range(3)
EVERY = 50
"""Steps whose mean error is a point of the curve."""

RIGHT = 0.08
AWAY = (30, 59)
CELLS: Mapping[str, tuple[str, float]] = {
    "plain tanh": ("rnn", 0.0),
    "GRU": ("gru", 0.0),
    "LSTM": ("lstm", 0.0),
    "LSTM, forget bias 1": ("lstm", 1.0),
}
RESULTS = Path(__file__).parent / "results" / "through_time.jsonl"
FIGURE = Path(__file__).parents[1] / "docs" / "through-time.svg"
Line = Mapping[str, Any]


def adding(count: int, length: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return sequences of numbers and marks, (N, T, 2), and the sums of the two marked ones, (N, 1)."""
    values_NT = torch.rand(count, length, generator=random)
    first_N = torch.randint(0, length // 2, (count,), generator=random)
    second_N = torch.randint(length // 2, length, (count,), generator=random)
    marks_NT = F.one_hot(first_N, length) + F.one_hot(second_N, length)
    return torch.stack([values_NT, marks_NT.float()], -1), (values_NT * marks_NT).sum(1, keepdim=True)


def network_of(cell: str, forget: float, seed: int) -> nn.Module:
    """Return a recurrent layer that answers after the last step."""
    network = build(f"T x 2 -> {cell}({UNITS}) -> last -> fc(1)", seed=seed)
    if forget:
        (block,) = recurrent_blocks(network)
        with torch.no_grad():  # torch's order of the gates is input, forget, cell, output
            block.layer.get_parameter("bias_ih_l0")[UNITS : 2 * UNITS] += forget
    return network


def measure(name: str, seed: int, length: int = LENGTH, steps: int = STEPS) -> dict[str, Any]:
    """Train, and return how the error fell, what is right in the end, and the gradient by distance before and after."""
    torch.set_num_threads(THREADS)
    began = time.process_time()
    network = network_of(*CELLS[name], seed)
    looked_at, _ = adding(16, length, generator(seed, "looked at"))
    before = reach_within(network, looked_at, UNITS)
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    random = generator(seed, "sequences")
    losses = []
    for _ in range(steps):
        x_NTF, sums_N1 = adding(BATCH, length, random)
        loss = F.mse_loss(network(x_NTF), sums_N1)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    after = reach_within(network, looked_at, UNITS)
    assert before is not None
    assert after is not None
    x_NTF, sums_N1 = adding(1_000, length, generator(seed, "test"))
    with torch.no_grad():
        error_N1 = network(x_NTF) - sums_N1
    return {
        "name": name,
        "seed": seed,
        "length": length,
        "steps": steps,
        "error": error_N1.square().mean().item(),
        "right": (error_N1.abs() <= RIGHT).double().mean().item(),
        "losses": [float(f"{fmean(losses[at : at + EVERY]):.4g}") for at in range(0, steps, EVERY)],
        "before": [float(f"{norm:.4g}") for norm in before.tolist()],
        "after": [float(f"{norm:.4g}") for norm in after.tolist()],
        "cpu_seconds": round(time.process_time() - began, 1),
    }


def lines() -> Iterator[Line]:
    """Yield every training, from the file where it is there; else measure it and add it to the file."""
    stored = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    done = {(line["name"], line["seed"]): line for line in map(json.loads, stored)}
    RESULTS.parent.mkdir(exist_ok=True)
    for seed in SEEDS:
        for name in CELLS:
            if (name, seed) not in done:
                done[name, seed] = measure(name, seed)
                with RESULTS.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(done[name, seed]) + "\n")
            yield done[name, seed]


def felt(norms: Sequence[float], distance: int) -> float:
    """Return the norm so many steps before the last as a share of the greatest."""
    return max(norms[distance], 1e-45) / max(norms)


def compare() -> str:
    """Return a row for each kind of layer, and draw the figure."""
    measured = list(lines())
    rows = []
    for name in CELLS:
        found = [line for line in measured if line["name"] == name]
        shares = [
            f"{geometric_mean([felt(line[when], distance) for line in found]):.1g}"
            for when in ("before", "after")
            for distance in AWAY
        ]
        rows.append(
            [
                name,
                ", ".join(f"{100 * line['right']:.1f} %" for line in found),
                ", ".join(f"{line['error']:.4f}" for line in found),
                *shares,
                f"{fmean(line['cpu_seconds'] for line in found):.0f}",
            ]
        )
    draw(measured)
    head = ["layer", "right, by seed", "mean squared error"]
    head += [f"felt {distance} steps back, {when}" for when in ("before", "after") for distance in AWAY]
    text = "![The error while learning, and the gradient's norm by distance]"
    return f"{table([*head, 'CPU, s'], rows)}\n\n{text}({FIGURE.name})"


def draw(measured: Sequence[Line]) -> None:
    """Draw the error by step, and the gradient by distance before and after, each seed a line."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for number, name in enumerate(CELLS):
        for place, line in enumerate(line for line in measured if line["name"] == name):
            label = name if place == 0 else None
            steps = range(EVERY, line["steps"] + 1, EVERY)
            left.plot(steps, line["losses"], f"C{number}-", linewidth=0.9, label=label)
            for when, style in (("before", ":"), ("after", "-")):
                shares = [felt(line[when], distance) for distance in range(len(line[when]))]
                right.plot(shares, f"C{number}{style}", linewidth=0.9, label=label if when == "after" else None)
    left.axhline(1 / 6, color="grey", linewidth=0.8)
    left.set(yscale="log", xlabel="step", ylabel="mean squared error", title="grey: always saying 1")
    left.legend()
    right.set(yscale="log", ylim=(1e-8, 2), xlabel="steps before the last", ylabel="share of the greatest")
    right.set_title("|dh(T)/dx(t)| before (dots) and after learning (lines)")
    figure.savefig(FIGURE, metadata={"Date": None})


if __name__ == "__main__":
    print(compare())
