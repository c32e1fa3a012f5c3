"""Why a network does not learn: any PyTorch training watched, unchanged, and its causes named with evidence."""

from pellucid.diagnosis.observer.listening import EnoughSteps, Sampling
from pellucid.diagnosis.watch import Diagnosis, Watch, is_watched, watch

__all__ = ["Diagnosis", "EnoughSteps", "Sampling", "Watch", "is_watched", "watch"]
