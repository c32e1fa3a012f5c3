"""Which of the suspected causes are said, and in which order."""

from collections.abc import Iterable

from pellucid.diagnosis.suspicion import Suspicion
from pellucid.diagnosis.thresholds import SAID_FROM

_WEIGHT = {"critical": 2, "warning": 1, "info": 0}


def rank(suspicions: Iterable[Suspicion]) -> tuple[Suspicion, ...]:
    """Return what is to be said: the surest first, each cause once, consequences left to their causes.

    A suspicion that another one explains is dropped, unless it is clearly surer than what would explain it; what is
    less sure than `SAID_FROM` is not said at all.
    """
    best: dict[str, Suspicion] = {}
    for suspicion in suspicions:
        if suspicion.cause not in best or suspicion.confidence > best[suspicion.cause].confidence:
            best[suspicion.cause] = suspicion
    said = [suspicion for suspicion in best.values() if suspicion.confidence >= SAID_FROM]
    kept = [suspicion for suspicion in said if not _is_explained(suspicion, said)]
    return tuple(sorted(kept, key=lambda s: (s.severity != "info", s.confidence, _WEIGHT[s.severity]), reverse=True))


def _is_explained(suspicion: Suspicion, others: Iterable[Suspicion]) -> bool:
    return any(
        suspicion.cause in other.explains and other.cause != suspicion.cause and other.severity != "info"
        for other in others
    )
