"""What is wrong with a running PyTorch program, and what to change."""
