"""Watching a training, from a script or from within a loop of one's own."""

import time
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Literal, Self

import torch

from pellucid.diagnosis.causes import RULES
from pellucid.diagnosis.causes.progress import progress_of
from pellucid.diagnosis.observation import Observation, Score
from pellucid.diagnosis.observer.afterwards import measure_afterwards, measure_meanwhile
from pellucid.diagnosis.observer.listening import Sampling
from pellucid.diagnosis.observer.recorder import Recorder
from pellucid.diagnosis.ranking import rank
from pellucid.diagnosis.remedies import told
from pellucid.diagnosis.suspicion import Suspicion
from pellucid.record import Finding, Findings


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found of a training.

    Attributes:
        findings: the causes, the surest first.
        steps: optimiser steps that were made.
        overhead: seconds that watching took, by the remaining seconds.
        scores: how well predictions met their targets, in order.
        suspicions: the findings as the rules gave them, with the facts that a remedy needs.
    """

    findings: tuple[Finding, ...]
    steps: int
    overhead: float
    scores: tuple[Score, ...] = ()
    suspicions: tuple[Suspicion, ...] = ()

    def _repr_html_(self) -> str:
        """Return the findings as a notebook shows them."""
        return Findings(self.findings)._repr_html_()

    @property
    def healthy(self) -> bool:
        """Whether nothing critical and nothing to warn of was found."""
        return all(finding.severity == "info" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return this as plain data."""
        return {
            "schema": 1,
            "healthy": self.healthy,
            "steps": self.steps,
            "overhead": self.overhead,
            "findings": [asdict(finding) for finding in self.findings],
        }


class Watch:
    """A context in which every training is watched; it changes nothing of it.

    Args:
        model: a network whose weights are to be remembered as they are now, before it is first called.
        steps: raise `EnoughSteps` out of the optimiser's step when so many were made.
        sampling: which steps are measured.
        within: the training is one of this package's, whose own lines tell its losses apart.
    """

    def __init__(
        self,
        model: torch.nn.Module | None = None,
        steps: int | None = None,
        *,
        sampling: Sampling | None = None,
        within: bool = False,
    ) -> None:
        self._recorder = Recorder(steps, sampling, within=within)
        self._model = model
        self._is_within = within
        self._began = 0.0
        self._ended: float | None = None
        self._diagnosis: Diagnosis | None = None

    def __enter__(self) -> Self:
        """Begin, or go on: a watch that has ended may be entered again, and adds to what it saw."""
        before = 0.0 if self._ended is None else self._ended - self._began
        self._began = time.perf_counter() - before
        self._recorder.start()
        _running.append(self)
        if self._model is not None and self._ended is None:
            self._recorder.networks.meet(self._model)
        self._ended = self._diagnosis = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._recorder.stop()
        self._forget()
        self._recorder.seen.cut_short = kind is not None
        self._diagnosis = None  # what was said on the way was said of less
        self._ended = time.perf_counter()

    def abandon(self) -> None:
        """Watch no more, at once: in a child that the program forked."""
        self._recorder.abandon()
        self._forget()

    def _forget(self) -> None:
        if self in _running:
            _running.remove(self)

    def judge(self, loss: float, kind: Literal["accuracy", "r2", "none"], score: float, size: int) -> None:
        """Tell how the network did on samples that it does not learn from, where the loop knows it already."""
        self.seen.scores.append(Score(self.seen.steps, "eval", loss, score, kind, size))

    def break_off(self, loss: float) -> None:
        """Tell of a loss that is not finite, where the loop ends at it before any backward pass."""
        series = max(self.seen.series.values(), key=lambda one: len(one.steps), default=None)
        if series is not None:
            series.settle()
            series.steps.append(self.seen.steps)
            series.values.append(loss)

    @property
    def hears(self) -> bool:
        """Whether anything of the step to come is measured or kept; else it may be made where it cannot be heard."""
        return self._recorder.listening.until == 0

    def skip(self) -> None:
        """Count a backward pass that was made where it could not be heard."""
        self._recorder.backwards.pass_over()

    @property
    def steps(self) -> int:
        """Optimiser steps so far."""
        return self._recorder.seen.steps

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The causes found, the surest first; while the training goes on, as if it ended now."""
        return Findings(self.diagnosis().findings)

    @property
    def seen(self) -> Observation:
        """Everything that was seen."""
        return self._recorder.seen

    def diagnosis(self) -> Diagnosis:
        """Say what was found; when the watch has ended, the same every time.

        While the training goes on this costs little, and may be asked for every epoch: the data are only looked at
        anew when twice as many of them were seen. What only the end can tell, such as that a training was too short,
        is then said too early.
        """
        if self._diagnosis is not None and self._ended is not None:
            return self._diagnosis
        suspicions, seen = self.suspicions(), self.seen
        wall = (self._ended or time.perf_counter()) - self._began
        remaining = max(wall - seen.seconds, 1e-9)
        script = _script_of(seen)
        # a training of ours has options to be changed, no lines: whoever watches it knows which
        findings = tuple(_finding(each, () if self._is_within else told(each, script)) for each in suspicions)
        self._diagnosis = Diagnosis(findings, seen.steps, seen.seconds / remaining, tuple(seen.scores), suspicions)
        return self._diagnosis

    def suspicions(self) -> tuple[Suspicion, ...]:
        """Return the causes as the rules give them, ranked: what a diagnosis says without remedies."""
        start = time.perf_counter()
        seen = self._recorder.seen
        measure = measure_meanwhile if self._ended is None else measure_afterwards
        with self._recorder.listening.deaf():  # the network is asked, too, and that is no part of the training
            measure(seen)
        suspicions = suspicions_of(seen)
        seen.seconds += time.perf_counter() - start
        return suspicions


_running: list[Watch] = []


def is_watched() -> bool:
    """Say whether what runs in this process is watched: a second watch would see the first one at work."""
    return bool(_running)


def suspicions_of(seen: Observation) -> tuple[Suspicion, ...]:
    """Return the causes that an observation is evidence of, ranked."""
    progress = progress_of(seen)
    suspicions = (suspicion for rule in RULES for suspicion in rule(seen, progress))
    # who ends a training early has not said that it should end there
    return rank(each for each in suspicions if not (seen.cut_short and each.cause == "too-few-epochs"))


def watch(model: torch.nn.Module | None = None, *, steps: int | None = None) -> Watch:
    """Watch what trains within a `with` block; it runs as it would without.

    >>> import pellucid, torch
    >>> with pellucid.watch() as seen:
    ...     pass  # any training loop
    >>> seen.findings
    ()

    `findings` may be asked for within the block too, every epoch: they are those of a training that ended there.

    Args:
        model: of the training, if there is one; all that trains is watched.
        steps: end the block, by `EnoughSteps`, after so many optimiser steps.
    """
    return Watch(model, steps)


def _script_of(seen: Observation) -> str | None:
    """Return the file that makes the optimisers, or computes the losses."""
    places = [*(optimizer.place for optimizer in seen.optimizers), *(site.place for site in seen.training_losses())]
    return next((place.file for place in places if place.file), None)


def _finding(suspicion: Suspicion, remedies: tuple[dict[str, Any], ...]) -> Finding:
    return Finding(
        cause=suspicion.cause,
        severity=suspicion.severity,
        confidence=suspicion.confidence,
        where=asdict(suspicion.where),
        evidence=tuple(asdict(evidence) for evidence in suspicion.evidence),
        explanation=suspicion.explanation,
        remedies=remedies,
        step=suspicion.step,
    )
