"""Two networks against each other, and the points that both fight about."""
