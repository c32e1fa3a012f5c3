"""Linear least squares with a penalty, in closed form: the last layer of a network without any step of descent.

Shape letters: N rows, C copies of a row (the first is the row as it is), M features, K targets.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

_RIDGES = 13  # from the largest eigenvalue down to a trillionth of it, each a tenth of the one before
_STEEPEST = 100.0  # no answer of a softmax needs logits further apart


@dataclass(frozen=True, slots=True)
class Solution:
    """The weights of a linear layer, y = W x + b.

    Attributes:
        weight_KM, bias_K: float64.
        ridge: the penalty they were solved with.
        left_out_NK: for each row, what the weights solved without it and its copies say of it.
    """

    weight_KM: Tensor
    bias_K: Tensor
    ridge: float
    left_out_NK: Tensor


def solve(features_CNM: Tensor, targets_NK: Tensor, ridge: float | None = None, *, bias: bool = True) -> Solution:
    """Minimise the sum of |y - W x - b|^2 over all copies of all rows, + ridge |W|^2 (the bias is exempt).

    A ridge that is not given is the one whose error on rows left out is least. Leaving a row and its copies out needs no
    solving anew: with the hat matrix H and the residuals r of the group, the residuals without it are (1 - H)^-1 r
    (Golub, Heath and Wahba, "Generalized cross-validation as a method for choosing a good ridge parameter", 1979).

    Args:
        features_CNM: float64.
        targets_NK: float64, the same for all copies.
        ridge: 0 is plain least squares, the solution of least norm where there are many.
        bias: whether there is a b.
    """
    copies, rows, count = features_CNM.shape
    middle_M = features_CNM.mean((0, 1)) if bias else features_CNM.new_zeros(count)
    target_K = targets_NK.mean(0) if bias else targets_NK.new_zeros(targets_NK.shape[1])
    centred_CNM, wanted_NK = features_CNM - middle_M, targets_NK - target_K
    flat_RM = centred_CNM.flatten(0, 1)
    values_M, vectors_MM = torch.linalg.eigh(flat_RM.T @ flat_RM)
    # what rounding leaves of a zero may be below it, and its inverse would be noise
    known_M = values_M > values_M[-1].clamp(min=torch.finfo(values_M.dtype).tiny) * count * 1e-15
    rotated_CNM = centred_CNM @ vectors_MM
    towards_MK = rotated_CNM.sum(0).T @ wanted_NK
    share = 1 / (copies * rows) if bias else 0.0

    best: tuple[float, float, Tensor, Tensor] | None = None
    for tried in [ridge] if ridge is not None else [float(values_M[-1]) * 10.0**-power for power in range(_RIDGES)]:
        inverse_M = torch.where(known_M, 1 / (values_M + tried), 0.0)
        turned_MK = inverse_M[:, None] * towards_MK
        left_out_NK = wanted_NK - _left_out(rotated_CNM, wanted_NK, inverse_M, turned_MK, share)
        error = float((wanted_NK - left_out_NK).square().mean())
        if best is None or error < best[0]:
            best = error, tried, turned_MK, left_out_NK
    assert best is not None
    _, ridge, turned_MK, left_out_NK = best
    weight_KM = (vectors_MM @ turned_MK).T
    return Solution(weight_KM, target_K - weight_KM @ middle_M, ridge, left_out_NK + target_K)


def steepness(scores_NK: Tensor, labels_N: Tensor) -> float:
    """Return the number t that makes softmax(t * scores) the likeliest for the labels: it solves a convex problem.

    Least squares on ones and zeros gives shares, not logits: they say which class, but not how surely.
    """
    wanted_N1, low, high = scores_NK.gather(1, labels_N[:, None]), 0.0, _STEEPEST
    for _ in range(40):
        middle = (low + high) / 2
        slope = ((middle * scores_NK).softmax(1) * scores_NK).sum(1, keepdim=True) - wanted_N1
        low, high = (middle, high) if slope.mean() < 0 else (low, middle)
    return high


def _left_out(rotated_CNM: Tensor, wanted_NK: Tensor, inverse_M: Tensor, turned_MK: Tensor, share: float) -> Tensor:
    """Return the residuals of the rows as they are, of the solutions without each and its copies, (N, K)."""
    residual_NCK = (wanted_NK - rotated_CNM @ turned_MK).transpose(0, 1)
    rotated_NCM = rotated_CNM.transpose(0, 1)
    hat_NCC = (rotated_NCM * inverse_M) @ rotated_NCM.transpose(1, 2) + share
    kept_NCC = torch.eye(hat_NCC.shape[1], dtype=hat_NCC.dtype, device=hat_NCC.device) - hat_NCC
    # a row that alone holds a weight has nothing to be told by once it is left out
    kept_NCC = kept_NCC + 1e-12 * torch.eye(hat_NCC.shape[1], dtype=hat_NCC.dtype, device=hat_NCC.device)
    return torch.linalg.solve(kept_NCC, residual_NCK)[:, 0]
