"""Suspicion -> remedies: what to do, which lines of the script to change, what has the same effect from outside."""

from pellucid.diagnosis.remedies.advice import advise, read_source, told
from pellucid.diagnosis.remedies.edit import Change, Edit, EditError, apply, combined
from pellucid.diagnosis.remedies.remedy import Remedy

__all__ = ["Change", "Edit", "EditError", "Remedy", "advise", "apply", "combined", "read_source", "told"]
