"""What a cause's rule says when its evidence suffices."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["critical", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something happens: a line of the script, a module by its path, or both."""

    file: str | None = None
    line: int | None = None
    module: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A figure that a person can check.

    Attributes:
        measure: what was measured, in words, with its unit.
        value: what it was.
        reference: what it is compared with.
        source: where the reference comes from.
    """

    measure: str
    value: float | str
    reference: float | str | None
    source: str


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One cause that a rule holds for true, before it is ranked among the others.

    Attributes:
        cause: a code of the vocabulary.
        severity: critical, the network will not learn; warning, it learns badly; info.
        confidence: share of runs, of 1, in which this evidence was right.
        evidence: figures with their references.
        explanation: a paragraph for the script's author.
        where: the place to change.
        step: of the first evidence.
        facts: what a remedy needs to know, such as the rate at which a network would learn.
        explains: other causes that follow from this one and are no causes beside it.
    """

    cause: str
    severity: Severity
    confidence: float
    evidence: tuple[Evidence, ...]
    explanation: str
    where: Place = Place()
    step: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    explains: frozenset[str] = frozenset()
