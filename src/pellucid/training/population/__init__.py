"""Many trainings of one architecture as one computation, each what it would be alone.

Letters: K members, P parameters of one, B samples a batch.
"""

from pellucid.training.population.fleet import Fleet
from pellucid.training.population.stacked import StackingError
from pellucid.training.population.together import Event, Population

__all__ = ["Event", "Fleet", "Population", "StackingError"]
