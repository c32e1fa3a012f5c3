"""Linear least squares with a penalty, in closed form: a last layer without any step of descent.

Shape letters: N rows, M features, K targets.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

RIDGES = tuple(10.0**-power for power in range(13))
"""The penalties that are tried where none is given, as shares of the largest eigenvalue of the features' squares."""

_STEEPEST = 100.0  # no answer of a softmax needs logits further apart


@dataclass(frozen=True, slots=True)
class Solution:
    """A linear layer, y = W x + b.

    Attributes:
        weight, bias: float64 (K, M) and (K,).
        ridge: the penalty they were solved with.
    """

    weight: Tensor
    bias: Tensor
    ridge: float

    def __call__(self, features_NM: Tensor) -> Tensor:
        """Return (N, K)."""
        return features_NM @ self.weight.T + self.bias

    def steeper(self, times: float) -> "Solution":
        """Return the layer that gives `times` as much."""
        return Solution(times * self.weight, times * self.bias, self.ridge)


def solve(
    features_NM: Tensor, targets_NK: Tensor, ridge: float | None = None, *, bias: bool = True
) -> Iterator[Solution]:
    """Minimise the sum of |y - W x - b|^2 over the rows + ridge |W|^2 (the bias is exempt), for several penalties.

    All of them share one eigendecomposition of the features' squares.

    Args:
        features_NM: float64.
        targets_NK: float64.
        ridge: 0 is plain least squares, the solution of least norm where there are many; None tries `RIDGES`.
        bias: whether there is a b.
    """
    middle_M = features_NM.mean(0) if bias else features_NM.new_zeros(features_NM.shape[1])
    target_K = targets_NK.mean(0) if bias else targets_NK.new_zeros(targets_NK.shape[1])
    centred_NM = features_NM - middle_M
    values_M, vectors_MM = torch.linalg.eigh(centred_NM.T @ centred_NM)
    towards_MK = vectors_MM.T @ (centred_NM.T @ (targets_NK - target_K))
    largest = float(values_M[-1])
    # what rounding leaves of a zero is no direction to learn in
    known_M = values_M > largest * len(values_M) * torch.finfo(values_M.dtype).eps
    for tried in [ridge] if ridge is not None else [largest * share for share in RIDGES]:
        inverse_M = torch.where(known_M, 1 / (values_M + tried), 0.0)
        weight_KM = (vectors_MM @ (inverse_M[:, None] * towards_MK)).T
        yield Solution(weight_KM, target_K - weight_KM @ middle_M, tried)


def steepness(scores_NK: Tensor, labels_N: Tensor) -> float:
    """Return the number t from 0 to 100 that makes softmax(t * scores) the likeliest for the labels.

    Least squares on ones and zeros gives shares, not logits: they say which class, but not how surely. The
    cross-entropy is convex in t, so its slope is followed to zero. That no label of these few is missed does not mean
    that none will be: each is counted as (N y + 1) / (N + K) (Platt, "Probabilistic outputs for support vector
    machines", 1999).
    """
    count, classes = scores_NK.shape
    wanted_N1 = (count * scores_NK.gather(1, labels_N[:, None]) + scores_NK.sum(1, keepdim=True)) / (count + classes)
    low, high = 0.0, _STEEPEST
    for _ in range(50):
        middle = (low + high) / 2
        slope = ((middle * scores_NK).softmax(1) * scores_NK).sum(1, keepdim=True) - wanted_N1
        low, high = (middle, high) if slope.mean() < 0 else (low, middle)
    return high
