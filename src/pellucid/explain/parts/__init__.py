"""The explanations of a trained network that suit it and its data, each a `Part`; None where one does not."""

from pellucid.explain.parts.answers import answers, plane
from pellucid.explain.parts.inside import anatomy, inside, memory
from pellucid.explain.parts.mistakes import labels, mistakes
from pellucid.explain.parts.sample import derivation, gradients
from pellucid.explain.parts.surroundings import has_surroundings, surroundings

__all__ = [
    "anatomy",
    "answers",
    "derivation",
    "gradients",
    "has_surroundings",
    "inside",
    "labels",
    "memory",
    "mistakes",
    "plane",
    "surroundings",
]
