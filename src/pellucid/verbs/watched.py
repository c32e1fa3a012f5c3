"""A training of ours under a watch: what is wrong is said while it goes wrong, and kept in the run folder."""

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Literal, Self

from pellucid.diagnosis import Diagnosis, Sampling, Watch, is_watched
from pellucid.diagnosis.alarm import Alarm
from pellucid.diagnosis.suspicion import Suspicion
from pellucid.errors import DivergedError
from pellucid.networks import Plan
from pellucid.record import Epoch, Finding, Step
from pellucid.training.session import Session
from pellucid.verbs.changes import changes_for

THRIFTY = Sampling(rows=(32, 24), figures=(32, 24), graphs=(8, 8), evaluations=(8, 4))
"""A training of ours is known better than a script: fewer samples tell as much, and each epoch is judged anyway."""


class Watched(AbstractContextManager["Watched"]):
    """A watch over a session; also a watcher of its steps and epochs.

    Args:
        session: the training. One that follows no gradient is not watched: nothing could be said of it.
        plan: its network, or None for a module of the user's own.
        wanted: whether to watch at all.
        steps: raise `EnoughSteps` when so many were made.

    Attributes:
        show: is told what is going wrong, and None when it no longer does.
    """

    def __init__(self, session: Session, plan: Plan | None, *, wanted: bool = True, steps: int | None = None) -> None:
        self._session = session
        self._plan = plan
        self.show: Callable[[Finding | None], None] | None = None
        can_be = session.optimizer is not None and not session.recipe.compile and not is_watched()
        self.watch = Watch(session.network, steps, sampling=THRIFTY, within=True) if wanted and can_be else None
        self._alarm = None if self.watch is None else Alarm(self.watch)

    def __enter__(self) -> Self:
        if self.watch is not None:
            self.watch.__enter__()
            self._session.audience = self.watch
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.audience = None
        if self.watch is not None:
            if isinstance(error, DivergedError):
                self.watch.break_off(float("nan"))
            self.watch.__exit__(kind, error, trace)

    def hear(self, event: Step | Epoch) -> None:
        """Take in a step or an epoch."""
        if isinstance(event, Step):
            self.on_step(event)
        else:
            self.on_epoch(event)

    def on_step(self, step: Step) -> None:  # noqa: ARG002 (when it was is enough)
        """Ask what is going wrong, if it is shown anywhere and asking is not too dear."""
        self._ask()

    def on_epoch(self, epoch: Epoch) -> None:
        """Take in how the epoch was judged."""
        if self.watch is None:
            return
        kind, score = _score(epoch.validation)
        if kind != "none":  # a loss alone need not say how good a network is: of two that learn by turns it does not
            self.watch.judge(epoch.validation["loss"], kind, score, len(self._session.data.rows["validation"]))
        self._ask()

    def _ask(self) -> None:
        if self.show is None or self._alarm is None:
            return
        try:
            found = self._alarm.ask()
            if found is not None:
                self.show(finding_of(found[0], self._session, self._plan) if found else None)
        except Exception:  # noqa: BLE001  a fault of the diagnosis must not end a training; the end will tell of it
            self._alarm = None

    def diagnosis(self) -> Diagnosis | None:
        """Return what was found, in the words of arrows and options; None where nothing was watched."""
        if self.watch is None or not self.watch.steps:
            return None
        seen = self.watch.diagnosis()
        findings = tuple(finding_of(suspicion, self._session, self._plan) for suspicion in seen.suspicions)
        return dataclasses.replace(seen, findings=findings)


def finding_of(suspicion: Suspicion, session: Session, plan: Plan | None) -> Finding:
    """Return a suspicion as a finding whose place is a word of the arrows and whose remedies are options."""
    root = f"{type(session.network).__name__}."
    module = suspicion.where.module
    changes = changes_for(suspicion, session.recipe, plan)
    return Finding(
        cause=suspicion.cause,
        severity=suspicion.severity,
        confidence=suspicion.confidence,
        where={"file": None, "line": None, "module": None if module is None else word_at(module, root, plan)},
        evidence=tuple(
            {**dataclasses.asdict(figure), "measure": figure.measure.replace(root, "")} for figure in suspicion.evidence
        ),
        explanation=suspicion.explanation.replace(root, ""),
        remedies=tuple(change.to_json() for change in changes),
        step=suspicion.step,
    )


def word_at(module: str, root: str, plan: Plan | None) -> str | None:
    """Return the word of the arrows that a module of the built network stands for: `fc(64) (fc1)`.

    >>> from pellucid.networks import parse
    >>> word_at("Sequential.fc1.weight", "Sequential.", parse("4 -> fc(8) -> relu -> fc(3)"))
    'fc(8) (fc1)'
    """
    path = module.removeprefix(root)
    if path == root.removesuffix("."):
        return None
    rows = () if plan is None else plan.table().rows
    inside = [row for row in rows if path == row.name or path.startswith(f"{row.name}.")]
    if not inside:
        return path
    row = max(inside, key=lambda one: len(one.name))
    return f"{row.word} ({row.name})"


def _score(validation: Mapping[str, Any]) -> tuple[Literal["accuracy", "r2", "none"], float]:
    for kind in ("accuracy", "r2"):
        if kind in validation:
            return kind, float(validation[kind])
    return "none", float("nan")
