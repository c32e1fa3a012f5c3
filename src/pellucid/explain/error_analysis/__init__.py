"""Where a network is wrong, and whether the labels are."""
