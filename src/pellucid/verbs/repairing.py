"""`pellucid train --repair`: what keeps a network from learning is found, and mended, before its training begins.

A probe is a short training of its own, with the whole schedule in fewer steps. Each change is tried in one, from the
same seed and over the same samples as without it, and stays if the validation metric gains more than chance gives. What
stays in the end must gain as much in probes of four times the length, or in the whole training where that is no longer.
"""

import copy
import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from pellucid.diagnosis.suspicion import Suspicion
from pellucid.errors import DivergedError, PellucidError
from pellucid.judging.gain import gain
from pellucid.networks import Plan, parse
from pellucid.recipe import Recipe
from pellucid.training import begin
from pellucid.training.begin import Beginning
from pellucid.training.loop import advance
from pellucid.training.session import Session, steps_per_epoch
from pellucid.verbs.changes import Change, changes_for
from pellucid.verbs.watched import Watched

_WHOLE = 600
_LEAST, _SHARE = 300, 10
_LONGER = 4
_CAUSES, _CHANGES = 3, 4
_ONLY_OF_THE_WHOLE = frozenset({"too-few-epochs", "overfitting"})

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Repair:
    """One change that was made, and what it brought.

    Attributes:
        cause: a code of the vocabulary, and `explanation` the paragraph that says why it was suspected.
        action, change: what was done, in words and as options.
        metric: of the validation rows, `before` and `after` the change; None where there was none before.
        steps, seed: of the probes that tell.
    """

    cause: str
    explanation: str
    action: str
    change: str
    metric: str
    before: float | None
    after: float
    steps: int
    seed: int

    def __str__(self) -> str:
        came = "none, it diverged" if self.before is None else f"{self.before:.4g}"
        proof = f"{self.metric} {came} → {self.after:.4g} in {self.steps:,} steps"
        return f"{self.cause}: {self.action} {self.change}  ({proof})"


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be trained: the network and every choice."""

    network: Plan | nn.Module
    recipe: Recipe

    def with_change(self, change: Change) -> "_Plan":
        network = self.network if change.arrows is None else parse(change.arrows)
        return _Plan(network, dataclasses.replace(self.recipe, **change.recipe))


@dataclass(frozen=True, slots=True)
class _Probed:
    """What came of a probe: the best score, higher is better, and what was suspected."""

    score: float
    suspicions: tuple[Suspicion, ...]


def repaired(begun: Beginning, module: nn.Module | None, tell: Tell) -> tuple[Beginning, tuple[Repair, ...]]:
    """Return the training as it should be begun, and what was changed; as it was, where nothing helps.

    Args:
        begun: the training as it was asked for, at its beginning.
        module: the network, where it is one of the user's own: its layers stay, and so do the weights it has.
        tell: is given a line for each probe.
    """
    network = begun.plan if begun.plan is not None else copy.deepcopy(module)
    assert network is not None, "a network is a plan or a module"
    workshop = _Workshop(begun.session, tell)
    before = _Plan(network, begun.session.recipe)
    after, repairs = workshop.mended(before)
    repairs = workshop.confirmed(before, after, repairs)
    if not repairs:
        return begun, ()
    again = begin(begun.session.data, _fresh(after.network), after.recipe)
    return dataclasses.replace(again, notes=begun.notes), repairs


class _Workshop:
    """Tries changes on short trainings with the session's data."""

    def __init__(self, session: Session, tell: Tell) -> None:
        self._data, self._task = session.data, session.task
        self._tell = tell
        self._total = session.total_steps
        self._steps = self._total if self._total <= _WHOLE else max(_LEAST, self._total // _SHARE)

    def mended(self, plan: _Plan) -> tuple[_Plan, tuple[Repair, ...]]:
        """Return the plan with every change that helped, one cause after the other, the surest first."""
        repairs: tuple[Repair, ...] = ()
        probed = self._probe(plan, self._steps)
        self._tell(f"as it stands: {self._said(probed.score)} in {self._steps:,} steps")
        done: set[str] = set()
        while len(done) < _CAUSES and (suspicion := self._next(probed, done)) is not None:
            done.add(suspicion.cause)
            best: tuple[_Plan, _Probed, Change] | None = None
            for change in changes_for(suspicion, plan.recipe, _arrows(plan))[:_CHANGES]:
                tried = self._try(plan, change)
                if tried is not None and self._is_better(
                    max(probed.score, best[1].score if best else -math.inf), tried.score
                ):
                    best = (plan.with_change(change), tried, change)
            if best is not None:
                repairs = (*repairs, self._repair(suspicion, best[2], probed.score, best[1].score, plan.recipe.seed))
                plan, probed = best[0], best[1]
        return plan, repairs

    def confirmed(self, before: _Plan, after: _Plan, repairs: tuple[Repair, ...]) -> tuple[Repair, ...]:
        """Return the repairs if they help in longer probes too, else none."""
        if not repairs or self._steps >= self._total:
            return repairs
        steps = min(self._total, _LONGER * self._steps)
        without, with_them = (self._probe(plan, steps).score for plan in (before, after))
        helps = self._is_better(without, with_them)
        word = "stays" if helps else "is taken back"
        self._tell(f"in {steps:,} steps: {self._said(without)} without, {self._said(with_them)} with it; it {word}")
        return repairs if helps else ()

    def _next(self, probed: _Probed, done: set[str]) -> Suspicion | None:
        short = self._steps < self._total
        for suspicion in probed.suspicions:
            told_by_length = short and suspicion.cause in _ONLY_OF_THE_WHOLE
            if suspicion.severity != "info" and suspicion.cause not in done and not told_by_length:
                return suspicion
        return None

    def _try(self, plan: _Plan, change: Change) -> _Probed | None:
        changed = plan.with_change(change)
        longer = (changed.recipe.epochs or 1) / (plan.recipe.epochs or 1)
        try:
            tried = self._probe(changed, round(self._steps * longer))
        except PellucidError as error:  # a change that does not go with this network, or needs more memory
            self._tell(f"{change.cause}: {change.action} {error.message}")
            return None
        self._tell(f"{change.cause}: {change.action} {self._said(tried.score)}")
        return tried

    def _probe(self, plan: _Plan, steps: int) -> _Probed:
        """Train for about so many steps, on fewer samples where one epoch is longer than that."""
        batch = plan.recipe.batch_size or 1
        rows = self._data.rows["train"]
        part = self._data
        if steps_per_epoch(len(rows), batch) > steps:
            part = dataclasses.replace(part, rows={**part.rows, "train": rows[: steps * batch]})
        epochs = max(1, round(steps / steps_per_epoch(len(part.rows["train"]), batch)))
        recipe = dataclasses.replace(plan.recipe, epochs=min(epochs, plan.recipe.epochs or epochs))
        session = begin(part, _fresh(plan.network), recipe).session
        watched = Watched(session, _arrows(plan))
        diverged = False
        try:
            with watched:
                for event in advance(session):
                    if event is not None:
                        watched.hear(event)
        except DivergedError:
            diverged = True
        best = session.progress.best
        score = -math.inf if diverged or best is None or not math.isfinite(best[0]) else best[0]
        found = watched.diagnosis()
        return _Probed(score, () if found is None else found.suspicions)

    def _is_better(self, before: float, after: float) -> bool:
        rows = len(self._data.rows["validation"])
        return gain(self._task.metric, self._value(before), self._value(after), rows) == "better"

    def _repair(self, suspicion: Suspicion, change: Change, before: float, after: float, seed: int) -> Repair:
        return Repair(
            cause=suspicion.cause,
            explanation=suspicion.explanation,
            action=change.action,
            change=change.options,
            metric=self._task.metric,
            before=None if before == -math.inf else self._value(before),
            after=self._value(after),
            steps=self._steps,
            seed=seed,
        )

    def _value(self, score: float) -> float:
        """Return the metric of a score; NaN of a probe that diverged."""
        if score == -math.inf:
            return math.nan
        return abs(score) if self._task.score({self._task.metric: 1.0, "loss": 0.0})[0] < 0 else score

    def _said(self, score: float) -> str:
        return "it diverges" if score == -math.inf else f"{self._task.metric} {self._value(score):.4g}"


def _arrows(plan: _Plan) -> Plan | None:
    return plan.network if isinstance(plan.network, Plan) else None


def _fresh(network: Plan | nn.Module) -> Plan | nn.Module:
    return network if isinstance(network, Plan) else copy.deepcopy(network)
