"""The figures that separate sick from healthy, each with its source, in one place."""

SAID_FROM = 0.5
"""Confidence below which a cause is not said: more likely wrong than right."""
