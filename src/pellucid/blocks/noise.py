"""Noise on the way in, for what is to be learned in spite of it."""

import torch
from torch import Tensor, nn


class GaussianNoise(nn.Module):
    """Normal noise added in training, x + deviation * noise; at inference x itself.

    Args:
        deviation: standard deviation of the noise, in the units of the input.
    """

    def __init__(self, deviation: float) -> None:
        super().__init__()
        self.deviation = deviation

    def forward(self, x: Tensor) -> Tensor:
        """Return the input, in training with noise."""
        return x + self.deviation * torch.randn_like(x) if self.training else x

    def extra_repr(self) -> str:
        """Return the standard deviation."""
        return f"deviation={self.deviation}"
