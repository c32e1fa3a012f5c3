"""A kernel slides over a matrix, number by number."""
