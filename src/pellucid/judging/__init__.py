"""How good a trained network is, and what is wrong with it: figures with intervals, thresholds, mistakes, verdicts."""
