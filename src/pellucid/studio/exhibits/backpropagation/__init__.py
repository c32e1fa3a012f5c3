"""Back-propagation step by step: one operation after another, forwards, backwards and to the update."""
