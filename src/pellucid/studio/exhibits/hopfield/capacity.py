"""How much each kind of memory holds: the share of wrong units after recall, by the number of patterns stored.

Shape letters: P patterns, N units, B patterns that recall begins at.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from pellucid.blocks import Hopfield, HopfieldModern
from pellucid.seed import generator

NETWORKS = 10
"""Networks of random patterns that each point is a mean of."""
COUNTS = (1, 2, 4, 6, 9, 12, 16, 23, 32, 45, 64, 128, 256, 512, 1024, 2048, 4096)
"""Patterns stored; 9 is the whole number next to 0.138 N."""
MOST = {"hebbian": 64, "pseudo-inverse": 45, "modern": 4096}
"""Patterns that a memory is measured with; the pseudo-inverse of N patterns lets any state be."""
_STARTS = 50
_SWEEPS = 20


@dataclass
class Capacity:
    """A measurement in pieces.

    Attributes:
        units: N, of each network.
        share: of the units of a cue that are flipped.
        beta: inverse temperature of the modern network.
        seed: of patterns, flips and the order of updates.
        errors: of each memory, the share of wrong units for each of `COUNTS` that was measured.
    """

    units: int
    share: float
    beta: float
    seed: int
    errors: dict[str, list[float]] = field(default_factory=lambda: {memory: [] for memory in MOST})

    def __post_init__(self) -> None:
        self.work = self._measured()
        self.is_done = False

    def go_on(self) -> None:
        """Measure with one more network."""
        self.is_done = self.is_done or next(self.work, True)

    def _measured(self) -> Iterator[bool]:
        for count in COUNTS:
            for memory, most in MOST.items():
                if count > most:
                    continue
                found = []
                for network in range(NETWORKS):
                    found.append(self._error(memory, count, network))
                    yield False
                self.errors[memory].append(sum(found) / NETWORKS)

    def _error(self, memory: str, count: int, network: int) -> float:
        """Return the share of units that are wrong after recall, over the first patterns of one network."""
        random = generator(self.seed, "capacity", count, network)
        patterns_PN = torch.randint(0, 2, (count, self.units), generator=random) * 2.0 - 1
        starts_BN = patterns_PN[:_STARTS]
        flipped_BN = torch.rand(starts_BN.shape, generator=random).argsort(1) < round(self.share * self.units)
        cues_BN = torch.where(flipped_BN, -starts_BN, starts_BN)
        ended_BN = self._recalled(memory, patterns_PN, cues_BN, network)
        return float((ended_BN.sign() != starts_BN).double().mean())

    def _recalled(self, memory: str, patterns_PN: Tensor, cues_BN: Tensor, network: int) -> Tensor:
        if memory == "modern":
            modern = HopfieldModern(self.units, len(patterns_PN), beta=self.beta, updates=_SWEEPS)
            modern.store(patterns_PN)
            return torch.as_tensor(modern(cues_BN))
        stored = Hopfield(self.units, len(patterns_PN), memory, sweeps=_SWEEPS)
        stored.store(patterns_PN)
        return stored.recall(cues_BN, generator(self.seed, "order", network))
