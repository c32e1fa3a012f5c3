"""Why a network does not learn: any PyTorch training watched, unchanged, and its causes named with evidence."""

from pellucid.diagnosis.observer.listening import EnoughSteps
from pellucid.diagnosis.watch import Diagnosis, Watch, watch

__all__ = ["Diagnosis", "EnoughSteps", "Watch", "watch"]
