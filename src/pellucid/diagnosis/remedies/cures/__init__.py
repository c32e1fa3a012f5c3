"""Cause -> remedies, one file a family of causes."""

from pellucid.diagnosis.remedies.cures import data, layers, loop, losses, optimisation, regularisation
from pellucid.diagnosis.remedies.remedy import Cures

CURES = Cures()
for family in (data, layers, loop, losses, optimisation, regularisation):
    CURES.update(family.CURES)
"""Every cause that something can be done about."""
