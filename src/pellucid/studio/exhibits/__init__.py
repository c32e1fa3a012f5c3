"""The exhibits: a folder each, found by `catalogue`."""
