"""All remedies of a suspicion, in the order in which they should be tried."""

from pathlib import Path

from pellucid.diagnosis.remedies.cures import CURES
from pellucid.diagnosis.remedies.remedy import Patient, Remedy, without_repeats
from pellucid.diagnosis.remedies.source import Source
from pellucid.diagnosis.suspicion import Suspicion


def advise(suspicion: Suspicion, source: Source | None) -> tuple[Remedy, ...]:
    r"""Return what can be done about a suspicion; without a source (a notebook, a compiled module) there are no edits.

    >>> from pellucid.diagnosis.suspicion import Suspicion
    >>> script = Source("train.py", "optimizer = torch.optim.Adam(model.parameters(), lr=0.2)\n")
    >>> first, *_ = advise(Suspicion("lr-high", "critical", 0.9, (), "", facts={"wanted_rate": 0.004}), script)
    >>> print(first.edit)
    line 1
    optimizer = torch.optim.Adam(model.parameters(), lr=0.2)
    becomes
    optimizer = torch.optim.Adam(model.parameters(), lr=0.004)
    """
    cure = CURES.get(suspicion.cause)
    if cure is None:
        return ()
    return tuple(without_repeats(cure(Patient(suspicion, source or Source("", "")))))


def read_source(file: str | None) -> Source | None:
    """Return a script to be edited, or None where there is none that can be read as Python."""
    if file is None:
        return None
    try:
        return Source.read(Path(file))
    except (OSError, UnicodeDecodeError, SyntaxError, ValueError):
        return None
