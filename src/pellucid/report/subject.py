"""What a page tells of: a run as plain data, gathered by whoever opened it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pellucid.data.dataset import Dataset, Target
from pellucid.judging.judgement import Concern, Judgement
from pellucid.judging.learning_curve import LearningCurve
from pellucid.networks import Plan
from pellucid.networks.through_time import Reach
from pellucid.record import Finding, Record, SeedResult
from pellucid.training.tasks.specimens import Specimens

State = Literal["finished", "stopped", "diverged", "not begun"]

_BLOWN_UP = 10.0


@dataclass(frozen=True, slots=True)
class Times:
    """What timing.jsonl tells: when the training began, how long its epochs took, how fast they were."""

    begun: str | None = None
    seconds: float = 0.0
    samples_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a module of the user's own: its name, its class, its trainable parameters, their shapes."""

    name: str
    kind: str
    parameters: int
    shapes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A run to be reported on.

    Attributes:
        title: its name.
        folder: where it lies.
        command: the shell command that trains it again; None where it was trained from Python on what has no name.
        changed: option -> value, of those that were not left at their default.
        asked: run.json.
        target: what is predicted.
        record: its steps, epochs and result.
        times: of its epochs.
        zeros: how many of its weights are exactly 0, and how many weights it has, where it was asked to have such.
        plan: the network; None for a module of the user's own.
        parts: of a module of the user's own.
        judgement: None where the network could not be judged, or learned several targets.
        judgements: of several targets, each one's.
        unjudged: why not.
        data: None where the source is gone.
        findings: of the diagnosis.
        learning_curve: what more data would bring, where it was asked for.
        specimens: what the network makes of some samples, where looking at them says more than figures.
        concerns: what is wrong with a network that is not judged row by row.
        reach: how far back the gradient of a recurrent network reaches.
        seeds: what came of the same training with each of several seeds, its own first.
    """

    title: str
    folder: str
    command: str | None
    changed: Mapping[str, Any]
    asked: Mapping[str, Any]
    target: Target
    record: Record
    times: Times = Times()
    zeros: tuple[int, int] | None = None
    plan: Plan | None = None
    parts: tuple[Part, ...] = ()
    judgement: Judgement | None = None
    judgements: Mapping[str, Judgement] = field(default_factory=dict)
    unjudged: str = ""
    data: Dataset | None = None
    findings: tuple[Finding, ...] = field(default=())
    learning_curve: LearningCurve | None = None
    specimens: Specimens | None = None
    concerns: tuple[Concern, ...] = ()
    reach: Reach | None = None
    seeds: tuple[SeedResult, ...] = ()

    @property
    def state(self) -> State:
        """How far the training came."""
        record = self.record
        if record.result is not None:
            return "finished"
        if not record.steps and not record.epochs:
            return "not begun"
        return "diverged" if _diverged(record) else "stopped"

    @property
    def network(self) -> str:
        """What the network is called: the zoo name asked for, the module's class, or that it was chosen."""
        if self.plan is None:
            return str(self.asked["network"]["module"])
        asked = self.asked["options"].get("network")
        return str(asked) if asked else str(self.plan)


def _diverged(record: Record) -> bool:
    """Say whether a stopped training's loss was blowing up: the step at which it became infinite is not recorded."""
    if not record.steps:
        return False
    last, first = record.steps[-1], record.steps[0]
    finite = math.isfinite(last.loss) and not math.isinf(last.gradient_norm)
    return not finite or last.loss > _BLOWN_UP * max(first.loss, 1e-12)
