"""Searches for the choices that make a network learn best: spaces written into arrows and options, and their trials."""

from pellucid.tuning.search import Trial, search
from pellucid.tuning.space import Parameter, Space

__all__ = ["Parameter", "Space", "Trial", "search"]
