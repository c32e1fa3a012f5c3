"""Samples told apart by one number each."""

import torch
from torch import Tensor

_WEIGHTS: dict[tuple[int, torch.device], Tensor] = {}


def fingerprints(rows: Tensor) -> Tensor:
    """Return one float64 a sample, (N,), the same for the same numbers wherever they come again.

    A weighted sum with fixed weights from a generator of its own, so that the program's random stream stays as it is.
    """
    flat = rows.detach().reshape(rows.shape[0], -1).double()
    key = (flat.shape[1], flat.device)
    if key not in _WEIGHTS:
        generator = torch.Generator().manual_seed(20_261_121)
        _WEIGHTS[key] = torch.randn(flat.shape[1], generator=generator, dtype=torch.float64).to(flat.device)
    return (torch.nan_to_num(flat) * _WEIGHTS[key]).sum(1).cpu()
