"""What an experiment is, and what comes out of one: plain data."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pellucid.chart import FigureData

Verdict = Literal["holds", "holds in part", "does not hold", "undecided"]
LEAST_SEEDS = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One statement of a claim, held against what was measured.

    Attributes:
        statement: a sentence that is true or false.
        holds: whether it is; None where the interval has room for both.
        evidence: the figures that say so.
    """

    statement: str
    holds: bool | None
    evidence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity:
    """Something measured once a seed.

    Attributes:
        name: what it is.
        values: one a seed, or one alone where no seed plays a part.
        share: written in percent.
        scale: `log` for what spreads over powers of ten: its mean is geometric.
    """

    name: str
    values: Sequence[float]
    share: bool = False
    scale: Literal["linear", "log"] = "linear"


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What an experiment measured.

    Attributes:
        checks: the claim, statement by statement.
        quantities: the figures behind them.
        figures: the first says most.
        notes: what else is to be known, a sentence each: what bounds the measurement, where it surprised.
    """

    checks: Sequence[Check]
    quantities: Sequence[Quantity]
    figures: Sequence[FigureData]
    notes: Sequence[str] = ()


Measure: TypeAlias = Callable[[Sequence[int]], Result]


@dataclass(frozen=True, kw_only=True, slots=True)
class Experiment:
    """A claim of the field, and how it is measured.

    Attributes:
        name: as `pellucid experiment` takes it.
        title: a heading.
        claim: what is said in the field, in a sentence or two.
        source: who says it, and where; several are separated by semicolons.
        method: what is measured, on what data, with what networks, so that a reader could do it again.
        topic: under which heading it is listed.
        measure: takes the seeds, and measures each statement with every one of them.
        seconds: about how long it takes on one core.
    """

    name: str
    title: str
    claim: str
    source: str
    method: str
    topic: str
    measure: Measure
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """An experiment that was run.

    Attributes:
        experiment: which.
        seeds: with which seeds.
        result: what was measured.
        seconds: how long that took.
    """

    experiment: Experiment
    seeds: tuple[int, ...]
    result: Result
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """Whether the claim holds: all of its statements do, some, none, or it cannot be said."""
        held = [check.holds for check in self.result.checks]
        if all(held):
            return "holds"
        if False not in held:
            return "undecided"
        return "holds in part" if True in held else "does not hold"


def mean_of(quantity: Quantity) -> float:
    """Return the mean over the seeds, the geometric one on a logarithmic scale; infinite and NaN values stay so."""
    values = quantity.values
    if quantity.scale == "log" and min(values) > 0:
        return math.exp(math.fsum(map(math.log, values)) / len(values))
    return math.fsum(values) / len(values)
