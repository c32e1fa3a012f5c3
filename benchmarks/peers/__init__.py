"""The other sides of the comparisons, each as its own makers would write it."""
