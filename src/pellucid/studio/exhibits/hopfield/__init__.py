"""A Hopfield network stores pictures and recalls them from damaged ones."""
