"""Searches for the choices that make a network learn best: spaces written into arrows and options, and their trials."""

from pellucid.tuning.confirm import Replicate, confirm
from pellucid.tuning.result import UNTUNED, Candidate, SearchResult
from pellucid.tuning.search import NETWORK, Search, recipe_of, require_options, search, session_of, value_of
from pellucid.tuning.space import Parameter, Space
from pellucid.tuning.strategies import StrategyName
from pellucid.tuning.trial import Trial, ranked
from pellucid.tuning.usual import usual_space

__all__ = [
    "NETWORK",
    "UNTUNED",
    "Candidate",
    "Parameter",
    "Replicate",
    "Search",
    "SearchResult",
    "Space",
    "StrategyName",
    "Trial",
    "confirm",
    "ranked",
    "recipe_of",
    "require_options",
    "search",
    "session_of",
    "usual_space",
    "value_of",
]
