"""Every experiment, by name, in the order in which a course would come to them."""

from collections.abc import Mapping
from types import MappingProxyType

from pellucid.experiments.claims import bias_correction, symmetry
from pellucid.experiments.experiment import Experiment

_CLAIMS = (
    symmetry,
    bias_correction,
)

EXPERIMENTS: Mapping[str, Experiment] = MappingProxyType({claim.EXPERIMENT.name: claim.EXPERIMENT for claim in _CLAIMS})
