"""Remedies proven by replay: the script in a fresh process and a copy of its folder, with and without them."""

from pellucid.diagnosis.proof.measure import Measure
from pellucid.diagnosis.proof.prove import NOT_CONTAINED, Budget, Proof, Tried, prove, with_proof
from pellucid.diagnosis.proof.replay import Limits, Replayed, replay

__all__ = [
    "NOT_CONTAINED",
    "Budget",
    "Limits",
    "Measure",
    "Proof",
    "Replayed",
    "Tried",
    "prove",
    "replay",
    "with_proof",
]
