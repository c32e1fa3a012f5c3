"""Which of the suspected causes are said, and in which order."""

from collections.abc import Iterable

from pellucid.diagnosis.suspicion import Suspicion
from pellucid.diagnosis.thresholds import SAID_FROM

_WEIGHT = {"critical": 2, "warning": 1, "info": 0}


def rank(suspicions: Iterable[Suspicion]) -> tuple[Suspicion, ...]:
    """Return what is to be said: the surest first, each cause once, consequences left to their causes.

    A suspicion that a surer one explains is dropped; what is less sure than `SAID_FROM` is not said at all. A plateau,
    which is no progress without a known cause, is said only where no cause is.
    """
    best: dict[str, Suspicion] = {}
    for suspicion in suspicions:
        if suspicion.cause not in best or suspicion.confidence > best[suspicion.cause].confidence:
            best[suspicion.cause] = suspicion
    said = [suspicion for suspicion in best.values() if suspicion.confidence >= SAID_FROM]
    kept: list[Suspicion] = []
    for suspicion in sorted(said, key=_order, reverse=True):
        if not any(suspicion.cause in other.explains and other.severity != "info" for other in kept):
            kept.append(suspicion)
    has_cause = any(each.severity != "info" and each.cause != "plateau" for each in kept)
    return tuple(each for each in kept if each.cause != "plateau" or not has_cause)


def _order(suspicion: Suspicion) -> tuple[bool, float, int]:
    return suspicion.severity != "info", suspicion.confidence, _WEIGHT[suspicion.severity]
