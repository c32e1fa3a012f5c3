"""What may be said of a training while it goes on: what will not be otherwise when it has ended."""

import time
from collections.abc import Iterable

from pellucid.diagnosis.suspicion import Suspicion
from pellucid.diagnosis.watch import Watch

SHARE_OF_TIME = 0.02
"""Of a training's time, what asking while it goes on may take."""
FIRST_STEPS = 30
"""Steps before which nothing is said: a rate that warms up, and weights just drawn, look like faults."""
SURE_ENOUGH = 0.75
KNOWN_AT_THE_END = frozenset(
    {"too-few-epochs", "lr-low", "plateau", "capacity-low", "overfitting", "class-imbalance", "frozen-parameters"}
)


class Alarm:
    """Asks a watch what is going wrong, as often as that is cheap, and believes what it says twice.

    Args:
        watch: has begun.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._ready_at = 0.0
        self._suspected: frozenset[str] = frozenset()

    def ask(self) -> tuple[Suspicion, ...] | None:
        """Return what is going wrong, the surest first; None where it is too early to ask again."""
        began = time.perf_counter()
        if began < self._ready_at or self._watch.steps < FIRST_STEPS:
            return None
        found = tuple(certain_by_now(self._watch.suspicions()))
        lasting = tuple(suspicion for suspicion in found if suspicion.cause in self._suspected)
        self._suspected = frozenset(suspicion.cause for suspicion in found)
        now = time.perf_counter()
        self._ready_at = now + (now - began) / SHARE_OF_TIME
        return lasting


def certain_by_now(suspicions: Iterable[Suspicion]) -> Iterable[Suspicion]:
    """Yield what is critical, sure and no matter of how long the training was."""
    for suspicion in suspicions:
        sure = suspicion.severity == "critical" and suspicion.confidence >= SURE_ENOUGH
        if sure and suspicion.cause not in KNOWN_AT_THE_END:
            yield suspicion
