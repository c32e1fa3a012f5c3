"""What a Hopfield network can hold: the load P/N at which recall breaks down, its energy, and real digits.

Shape letters: N units, P patterns, B cues, S sweeps.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.blocks import Hopfield
from pellucid.chart import Axis, Chart, Line, Tile, Tiles
from pellucid.data import load
from pellucid.experiments.evidence import above, alike, counted, greater
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.seed import generator

_NETWORKS: Mapping[int, int] = {125: 8, 250: 4, 500: 2}
"""Networks of each size for a seed: the smaller, the more they differ."""

_LOADS = tuple(np.arange(0.1, 0.33, 0.02).round(2).tolist())
_STARTS = 50
_LIMIT = 0.138
_POWERS = (1 / 2, 2 / 3, 1)
_DIGITS = 5
_SETS = 20


def measure(seeds: Sequence[int]) -> Result:
    """Recall stored patterns at every load and size, watch the energy, and recall half digits."""
    shares = {units: [retained(units, seed) for seed in seeds] for units in _NETWORKS}
    crossings = [[crossing(shares[units][place]) for units in _NETWORKS] for place in range(len(seeds))]
    limits = {power: [extrapolated(tuple(_NETWORKS), each, power) for each in crossings] for power in _POWERS}
    pixels = load("digits").inputs
    sweeps = [_energy_changes(seed) for seed in seeds]
    recalled = {
        storage: [_digits_recalled(pixels, storage, seed) for seed in seeds]
        for storage in ("pseudo-inverse", "hebbian")
    }
    largest = max(_NETWORKS)
    return Result(
        checks=(
            above(f"Well below the limit, at P/N = {_LOADS[0]}, nearly all patterns stay: more than 95 % of them"
                  f" (N = {largest})", [float(each[0]) for each in shares[largest]], 0.95, share=True),
            alike(f"The load at which half of the patterns are lost tends to {_LIMIT} with N, to within 0.015",
                  limits[1 / 2], [_LIMIT] * len(seeds), within=0.015),
            counted("The energy never rises in a sweep of asynchronous updates",
                    sum(int((each <= 1e-9).sum()) for each in sweeps), sum(each.size for each in sweeps)),
            above(f"{_DIGITS} real digits are recalled pixel by pixel from a half more often than not, where the"
                  " couplings are the pseudo-inverse", recalled["pseudo-inverse"], 0.5, share=True),
            greater("They are recalled more often than with Hebb's rule, as digits are too alike for it",
                    recalled["pseudo-inverse"], recalled["hebbian"], share=True),
        ),
        quantities=(
            *(Quantity(name=f"load at which half are lost, N = {units}", values=[each[place] for each in crossings])
              for place, units in enumerate(_NETWORKS)),
            *(Quantity(name=f"the same for infinite N, by a + b / N^{power:.2g}", values=values)
              for power, values in limits.items()),
            *(Quantity(name=f"half digits recalled, {name}", values=values, share=True)
              for name, values in recalled.items()),
        ),
        figures=(_capacity(shares, crossings), _recall(pixels, seeds[0])),
        notes=(_note(limits),),
    )  # fmt: skip


def retained(units: int, seed: int) -> NDArray[np.float64]:
    """Return the share of patterns that recall, begun at them, keeps to an overlap above 0.9, by load.

    The patterns of a smaller load are the first ones of a larger.
    """
    shares = np.empty((_NETWORKS[units], len(_LOADS)))
    for network in range(_NETWORKS[units]):
        random = generator(seed, "patterns", units, network)
        every_PN = torch.randint(0, 2, (round(max(_LOADS) * units), units), generator=random) * 2.0 - 1
        for place, each in enumerate(_LOADS):
            order = generator(seed, "order", units, network)
            shares[network, place] = share_kept(every_PN[: round(each * units)], order)
    averaged: NDArray[np.float64] = shares.mean(0)
    return averaged


def share_kept(patterns_PN: Tensor, order: torch.Generator, storage: str = "hebbian") -> float:
    """Return the share of stored patterns that recall, begun at them, keeps to an overlap above 0.9.

    Args:
        patterns_PN: what is stored, of -1 and +1; recall starts at the first 50.
        order: of the asynchronous updates.
        storage: the rule.
    """
    memory = _storing(patterns_PN, storage)
    starts_BN = memory.patterns[:_STARTS]
    ended_BN = memory.recall(starts_BN, order)
    return float(((ended_BN * starts_BN).mean(1) > 0.9).double().mean())


def crossing(share_L: NDArray[np.float64]) -> float:
    """Return the load at which a share falls through a half for the last time, between two loads on a line."""
    last = min(int(np.nonzero(share_L >= 0.5)[0][-1]), len(_LOADS) - 2)
    here, behind = share_L[last : last + 2]
    return float(_LOADS[last] + (_LOADS[last + 1] - _LOADS[last]) * (here - 0.5) / (here - behind))


def extrapolated(sizes: Sequence[int], loads: Sequence[float], power: float) -> float:
    """Return a of the least-squares line a + b / N^power: the load at infinite N."""
    return float(np.polyfit(np.asarray(sizes, dtype=float) ** -power, loads, 1)[1])


def _storing(patterns_PN: Tensor, storage: str = "hebbian") -> Hopfield:
    memory = Hopfield(patterns_PN.shape[1], len(patterns_PN), storage, sweeps=1_000)
    memory.store(patterns_PN)
    return memory


def _energy_changes(seed: int) -> NDArray[np.float64]:
    """Return how the energy changes in each sweep from 200 random states of an overloaded network, (S, B)."""
    signs = torch.randint(0, 2, (240, 100), generator=generator(seed, "states")) * 2.0 - 1
    memory = _storing(signs[:40])
    memory.threshold.copy_(torch.randn(100, generator=generator(seed, "thresholds")) / 4)
    energies = torch.stack([memory.energy(state) for state in memory.trace(signs[40:], generator(seed, "order"))])
    changes: NDArray[np.float64] = energies.diff(dim=0).numpy()
    return changes


def _half_digits(pixels: Tensor, seed: int, number: int) -> tuple[Tensor, Tensor]:
    """Return some digits as signs, (P, 64), and the cues: upper, lower, left and right half of each, (4, P, 64)."""
    rows = torch.randperm(len(pixels), generator=generator(seed, "digits", number))[:_DIGITS]
    signs = torch.where(pixels[rows, 0] >= 128, 1.0, -1.0)
    cues = signs.repeat(4, 1, 1, 1)
    cues[0, :, 4:], cues[1, :, :4], cues[2, :, :, 4:], cues[3, :, :, :4] = 0, 0, 0, 0
    return signs.flatten(1), cues.flatten(2)


def _digits_recalled(pixels: Tensor, storage: str, seed: int) -> float:
    """Return the share of half digits that recall makes whole without a wrong pixel."""
    hits = []
    for number in range(_SETS):
        digits_PN, cues = _half_digits(pixels, seed, number)
        ended = _storing(digits_PN, storage).recall(cues.flatten(0, 1), generator(seed, "order", number))
        hits.append((ended.reshape(cues.shape) == digits_PN).all(-1).double().mean())
    return float(torch.stack(hits).mean())


def _note(limits: Mapping[float, Sequence[float]]) -> str:
    written = ", ".join(f"{np.mean(values):.3f} with N^-{power:.2g}" for power, values in limits.items())
    return (
        "Networks this small leave room for how the load nears its limit, which comes out as"
        f" {written}. The power 1/2 is used, which of the three fits networks of up to 4,000 units best. In small"
        " networks recall ends gradually, in infinite ones at once."
    )


def _capacity(shares: Mapping[int, list[NDArray[np.float64]]], crossings: Sequence[Sequence[float]]) -> Chart:
    means = dict(zip(shares, np.mean(crossings, axis=0), strict=True))
    return Chart(
        title="How many patterns stay",
        detail="share of the stored patterns that recall keeps (overlap above 0.9); the band is over the seeds",
        says="Half are lost at P/N = " + ", ".join(f"{mean:.3f} (N = {units})" for units, mean in means.items()) + ".",
        x=Axis("load P/N, patterns a unit"),
        y=Axis("share of patterns retained", "percent", ends=(0, 1)),
        lines=[
            *(
                Line(label=f"N = {units}", x=_LOADS, runs=[each.tolist() for each in runs])
                for units, runs in shares.items()
            ),
            Line(label=f"P/N = {_LIMIT}", x=(_LIMIT, _LIMIT), runs=[(0.0, 1.0)], style="dashed"),
        ],
    )  # fmt: skip


def _recall(pixels: Tensor, seed: int) -> Tiles:
    digits_PN, cues = _half_digits(pixels, seed, 0)
    rows = {"stored": digits_PN, "upper half given": cues[0]}
    for name, storage in (("pseudo-inverse", "pseudo-inverse"), ("Hebb", "hebbian")):
        rows[f"recalled, {name}"] = _storing(digits_PN, storage).recall(cues[0], generator(seed, "order", 0))
    right = {name: int((states == digits_PN).all(1).sum()) for name, states in list(rows.items())[2:]}
    return Tiles(
        title="Digits recalled from their upper halves",
        detail="what is not known is grey",
        says="Without a wrong pixel are "
        + ", ".join(f"{name} {hits} of {_DIGITS}" for name, hits in right.items())
        + ".",
        tiles=[
            Tile(caption=name, values=state.reshape(8, 8).tolist()) for name, states in rows.items() for state in states
        ],
        columns=_DIGITS,
    )


EXPERIMENT = Experiment(
    name="hopfield-capacity",
    title="How much a Hopfield network remembers",
    topic="Sequences and memories",
    claim="A Hopfield network with Hebb's rule retains about 0.138 random patterns a unit. Updated one unit after the"
    " other it never raises its energy, and so completes what is known in part.",
    source="Hopfield 1982, Neural networks and physical systems with emergent collective computational abilities;"
    " Amit, Gutfreund and Sompolinsky 1985, Storing infinite numbers of patterns in a spin-glass model of neural"
    " networks; Personnaz, Guyon and Dreyfus 1986, Collective computational properties of neural networks: new"
    " learning mechanisms",
    method=f"Networks of {', '.join(map(str, _NETWORKS))} units with P random patterns. Asynchronous recall starts at"
    f" {_STARTS} of them at most; counted are those where it ends with an overlap above 0.9. The load at which half do"
    " is extrapolated by a straight line in N^-1/2. The energy is followed from 200 random states a seed, with random"
    f" thresholds (N = 100, P = 40). {_SETS} sets of {_DIGITS} random real digits a seed, in black and white, are"
    " recalled from each of their halves.",
    measure=measure,
    seconds=18,
)
