"""Texts by character or word: language modelling, and lines by class."""
