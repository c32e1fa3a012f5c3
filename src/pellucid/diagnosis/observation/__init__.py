"""What was seen of a running program: plain figures, which the causes are read from."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from pellucid.diagnosis.observation.losses import LossSite, Series
from pellucid.diagnosis.observation.networks import (
    AdversarySeen,
    Beginning,
    Layer,
    NetworkSeen,
    ParameterFacts,
    Structure,
)
from pellucid.diagnosis.observation.optimizers import Clipping, OptimizerSeen, SchedulerSeen
from pellucid.diagnosis.observation.samples import Afterwards, Line, Phase, Rows, Score, Span
from pellucid.diagnosis.observation.signals import Activation, Flow, ParameterSeen
from pellucid.diagnosis.suspicion import Place

__all__ = [
    "Activation",
    "AdversarySeen",
    "Afterwards",
    "Beginning",
    "Clipping",
    "Flow",
    "Layer",
    "Line",
    "LossSite",
    "NetworkSeen",
    "Observation",
    "OptimizerSeen",
    "ParameterFacts",
    "ParameterSeen",
    "Phase",
    "Rows",
    "SchedulerSeen",
    "Score",
    "Series",
    "Span",
    "Structure",
]


@dataclass(slots=True)
class Observation:
    """Everything seen of a program.

    Attributes:
        cut_short: whether it was ended by something else than itself, so that its last step means nothing.
        by_hand: backward passes before which the weights had been changed without an optimiser; `stale_by_hand` of them
            with the gradients of the pass before still there.
    """

    steps: int = 0
    cut_short: bool = False
    backwards: int = 0
    by_hand: int = 0
    stale_by_hand: int = 0
    losses: dict[Line, LossSite] = field(default_factory=dict)
    series: dict[Place, Series] = field(default_factory=dict)
    structures: dict[Place, Structure] = field(default_factory=dict)
    activations: list[Activation] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    parameters: dict[int, ParameterSeen] = field(default_factory=dict)
    optimizers: list[OptimizerSeen] = field(default_factory=list)
    schedulers: list[SchedulerSeen] = field(default_factory=list)
    networks: list[NetworkSeen] = field(default_factory=list)
    clippings: dict[Place, Clipping] = field(default_factory=dict)
    inputs: dict[str, list[Span]] = field(default_factory=dict)
    rows: dict[Phase, Rows] = field(default_factory=lambda: {"train": Rows(), "eval": Rows()})
    scores: list[Score] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    loaded: set[int] = field(default_factory=set)
    adversaries: dict[str, AdversarySeen] = field(default_factory=dict)
    seconds: float = 0.0
    after: Afterwards = field(default_factory=Afterwards)

    def scored(self, phase: Phase) -> list[Score]:
        """Return the scores of a phase, in order."""
        return [score for score in self.scores if score.phase == phase]

    def training_losses(self) -> Iterable[LossSite]:
        """Return the losses that were trained with, the most often called first."""
        trained = [site for site in self.losses.values() if site.calls]
        return sorted(trained, key=lambda site: -site.calls)
