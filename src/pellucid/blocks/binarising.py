"""Real numbers made two-valued."""

import torch
from torch import Tensor, nn


class Binarise(nn.Module):
    """Two values of each sample (B, ...): +1 above its threshold, else -1.

    Args:
        by: `otsu`, the threshold that parts the sample's numbers into two groups with the largest variance between
            them, w (1 - w) (mean - other mean)^2 (Otsu, 1979), half way between the groups; `mean`, that of the
            sample; or `sign`, 0.
    """

    def __init__(self, by: str = "otsu") -> None:
        super().__init__()
        self.by = by

    def forward(self, x: Tensor) -> Tensor:
        """Return -1 and +1 in the input's shape and type."""
        values_BN = x.flatten(1)
        match self.by:
            case "otsu":
                threshold_B1 = self._otsu(values_BN)
            case "mean":
                threshold_B1 = values_BN.mean(1, keepdim=True)
            case _:
                threshold_B1 = torch.zeros_like(values_BN[:, :1])
        one = torch.ones_like(values_BN)
        return torch.where(values_BN > threshold_B1, one, -one).reshape(x.shape)

    @staticmethod
    def _otsu(values_BN: Tensor) -> Tensor:
        """Return the threshold of each sample, (B, 1)."""
        ascending_BN = values_BN.sort(1).values
        if ascending_BN.shape[1] == 1:
            return ascending_BN
        total_B1 = ascending_BN.sum(1, keepdim=True)
        below_BK = ascending_BN.cumsum(1)[:, :-1]  # the K = N - 1 ways to part them
        count_K = torch.arange(1, ascending_BN.shape[1], device=values_BN.device, dtype=values_BN.dtype)
        rest_K = ascending_BN.shape[1] - count_K
        between_BK = count_K * rest_K * ((total_B1 - below_BK) / rest_K - below_BK / count_K).square()
        equal_BK = ascending_BN[:, 1:] == ascending_BN[:, :-1]
        best_B1 = between_BK.masked_fill(equal_BK, -1).argmax(1, keepdim=True)
        return (ascending_BN.gather(1, best_B1) + ascending_BN.gather(1, best_B1 + 1)) / 2

    def extra_repr(self) -> str:
        """Return the kind of threshold."""
        return f"by={self.by}"
