"""Optimisers, their schedules and the clipping of their gradients."""

from dataclasses import dataclass, field
from typing import Any

from pellucid.diagnosis.suspicion import Place


@dataclass(slots=True)
class OptimizerSeen:
    """One optimiser object.

    Attributes:
        rates: (step, learning rate of its first group) at every change.
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
    looked: int = 0
    stale: int = 0
    empty: int = 0


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
