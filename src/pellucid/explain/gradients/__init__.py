"""Gradients checked by central differences."""
