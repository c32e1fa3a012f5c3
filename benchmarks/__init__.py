"""Comparisons with other ways to the same end: `python -m benchmarks` runs all and writes docs/benchmarks.md.

One file a comparison; the programs compared with, as somebody would write them by hand, are in `peers`.
"""
