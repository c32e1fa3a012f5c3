"""Arrays, tensors, `.npz` files and torch datasets."""
