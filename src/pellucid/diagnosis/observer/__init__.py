"""Sees a PyTorch program run, and changes nothing of it."""
