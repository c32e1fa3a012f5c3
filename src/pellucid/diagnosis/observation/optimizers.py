"""Optimisers, their schedules and the clipping of their gradients."""

from dataclasses import dataclass, field
from typing import Any

from pellucid.diagnosis.suspicion import Place

_MOST_RATES = 4096


@dataclass(slots=True)
class OptimizerSeen:
    """One optimiser object.

    Attributes:
        rates: (step, learning rate of its first group) at every change; of very many changes at every other, and so on.
        highest_rate: of all steps.
        looked: steps whose gradients were looked at; `stale` of them were made with gradients that were not cleared
            since the last one, `empty` without any.
        settings: of its first group, numbers and switches only.
    """

    kind: str
    place: Place
    made_at: int
    parameters: frozenset[int]
    settings: dict[str, Any]
    steps: int = 0
    rates: list[tuple[int, float]] = field(default_factory=list)
    highest_rate: float = 0.0
    looked: int = 0
    stale: int = 0
    empty: int = 0

    def note_rate(self, step: int, rate: float) -> None:
        """Note the learning rate that a step is made with."""
        if self.rates and self.rates[-1][1] == rate:
            return
        self.highest_rate = max(self.highest_rate, rate)
        self.rates.append((step, rate))
        if len(self.rates) > _MOST_RATES:
            del self.rates[1::2]


@dataclass(slots=True)
class SchedulerSeen:
    """One learning-rate schedule."""

    kind: str
    place: Place
    settings: dict[str, Any]
    calls: int = 0


@dataclass(slots=True)
class Clipping:
    """Calls of one clip_grad function: largest norm allowed, and norms found."""

    function: str
    place: Place
    limit: float
    calls: int = 0
    norms: list[float] = field(default_factory=list)
