"""What a network computes and why, of any `nn.Module`."""
