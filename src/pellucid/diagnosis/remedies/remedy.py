"""What could be done about a cause: in words, as an edit of the script, as an intervention in its run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pellucid.diagnosis.remedies.edit import Edit
from pellucid.diagnosis.remedies.interventions import Intervention
from pellucid.diagnosis.remedies.source import Source
from pellucid.diagnosis.suspicion import Suspicion


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing to do.

    Attributes:
        cause: a code of the vocabulary.
        action: what to do, one sentence in the imperative.
        edit: the lines to change, where they are known.
        interventions: what has the same effect on a run from outside.
        longer: how many times as many optimiser steps it needs to show its worth.
        provable: whether a score can tell if it helped; a leaking split's score gets worse when it is mended.
    """

    cause: str
    action: str
    edit: Edit | None = None
    interventions: tuple[Intervention, ...] = ()
    longer: float = 1.0
    provable: bool = True

    @property
    def concrete(self) -> bool:
        """Tell whether it can be tried."""
        return self.edit is not None or bool(self.interventions)

    def to_json(self) -> dict[str, Any]:
        """Return this as the diagnosis contract's remedy, not proven."""
        return {"action": self.action, "change": self.edit.to_json() if self.edit else None, "proof": None}


@dataclass(frozen=True, slots=True)
class Patient:
    """A script and what it is suspected of."""

    suspicion: Suspicion
    source: Source

    @property
    def line(self) -> int | None:
        """Return the line to change, if the suspicion names one of this file."""
        return self.suspicion.where.line

    def remedy(self, action: str, edit: Edit | None = None, *interventions: Intervention, **more: Any) -> Remedy:
        """Return a remedy of this suspicion's cause."""
        return Remedy(self.suspicion.cause, action, edit, interventions, **more)


Cure = Callable[[Patient], Iterator[Remedy]]


class Cures(dict[str, Cure]):
    """Cause -> the function that names its remedies, the likeliest first."""

    def __call__(self, *causes: str) -> Callable[[Cure], Cure]:
        """Return a decorator that lists a function under causes."""

        def listed(cure: Cure) -> Cure:
            self.update(dict.fromkeys(causes, cure))
            return cure

        return listed


def without_repeats(remedies: Iterator[Remedy]) -> list[Remedy]:
    """Return remedies less those that change nothing new; the first of one action stays, with words only if need be."""
    kept: list[Remedy] = []
    for remedy in remedies:
        same = any(remedy.edit == other.edit and remedy.interventions == other.interventions for other in kept)
        if not same or not kept:
            kept.append(remedy)
    if any(remedy.concrete for remedy in kept):
        kept = [remedy for remedy in kept if remedy.concrete]
    return [replace(remedy) for remedy in kept]
