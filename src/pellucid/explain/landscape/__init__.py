"""The loss as a function of the weights: slices, surfaces, curvature."""
