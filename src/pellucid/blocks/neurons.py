"""Neurons whose output no torch layer computes."""

import torch
from torch import Tensor, nn


class Step(nn.Module):
    """The hard threshold of McCulloch and Pitts (1943): 1 where x >= threshold, else 0; its gradient is zero.

    Args:
        threshold: the smallest value that fires.
    """

    def __init__(self, threshold: float = 0.0) -> None:
        super().__init__()
        self.threshold = threshold

    def forward(self, x: Tensor) -> Tensor:
        """Return zeros and ones of the input's shape and type."""
        return (x >= self.threshold).to(x.dtype)

    def extra_repr(self) -> str:
        """Return the threshold."""
        return f"threshold={self.threshold}"


class Maxout(nn.Module):
    """The largest of several linear functions, h_i = max_j (w_ij . x + b_ij): a learned convex activation.

    Goodfellow et al., "Maxout Networks" (2013).

    Args:
        in_features: size of the last dimension of the input.
        out_features: size of the last dimension of the output.
        pieces: linear functions a unit takes the largest of.
    """

    def __init__(self, in_features: int, out_features: int, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces
        self.linear = nn.Linear(in_features, out_features * pieces)

    def forward(self, x: Tensor) -> Tensor:
        """Return the largest piece of each unit, (..., out_features)."""
        return torch.unflatten(self.linear(x), -1, (-1, self.pieces)).amax(-1)

    def extra_repr(self) -> str:
        """Return the number of pieces."""
        return f"pieces={self.pieces}"
