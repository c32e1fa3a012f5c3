"""All remedies of a suspicion, in the order in which they should be tried."""

from pathlib import Path
from typing import Any

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
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    """
    cure = CURES.get(suspicion.cause)
    if cure is None:
        return ()
    return tuple(without_repeats(cure(Patient(suspicion, source or Source("", "")))))


def told(suspicion: Suspicion, file: str | None) -> tuple[dict[str, Any], ...]:
    """Return a suspicion's remedies as the diagnosis contract has them, not proven.

    Args:
        suspicion: names a file itself, or
        file: the script, for one that does not.
    """
    try:
        found = advise(suspicion, read_source(suspicion.where.file or file))
    except Exception:  # noqa: BLE001 (a script may be written in ways that nobody thought of: then without edits)
        found = advise(suspicion, None)
    return tuple(remedy.to_json() for remedy in found)


def read_source(file: str | None) -> Source | None:
    """Return a script to be edited, or None where there is none that can be read as Python."""
    if file is None:
        return None
    try:
        return Source.read(Path(file))
    except (OSError, UnicodeDecodeError, SyntaxError, ValueError):
        return None
