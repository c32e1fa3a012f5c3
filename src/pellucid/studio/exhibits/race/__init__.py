"""Several optimisers descend from one place, on classic surfaces and on slices of a network's loss."""
