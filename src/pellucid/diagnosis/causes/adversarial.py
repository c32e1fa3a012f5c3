"""Causes: to be filled."""

RULES = ()
