"""Turns any source into a split, normalised, batched `Dataset`; knows nothing of networks."""

from pellucid.data.dataset import (
    Classes,
    Dataset,
    Itself,
    Labels,
    Masks,
    NextToken,
    Preprocessing,
    Samples,
    Several,
    Source,
    SplitName,
    Target,
    Values,
    describe,
)
from pellucid.data.load import load
from pellucid.data.named.listing import catalogue

__all__ = [
    "Classes",
    "Dataset",
    "Itself",
    "Labels",
    "Masks",
    "NextToken",
    "Preprocessing",
    "Samples",
    "Several",
    "Source",
    "SplitName",
    "Target",
    "Values",
    "catalogue",
    "describe",
    "load",
]
