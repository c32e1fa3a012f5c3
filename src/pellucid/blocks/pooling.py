"""Pooling by the minimum and by the median, on images (N, C, H, W) and on channels-first sequences (N, C, T)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class MinPool(nn.Module):
    """The minimum of each window, -maxpool(-x).

    Args:
        kernel_size: sides of the window, one for each axis.
        stride: step of the window along each axis.
        padding: places around the input, which never are the minimum, along each axis.
        ceil_mode: keep a last window that sticks out.
    """

    def __init__(
        self,
        kernel_size: tuple[int, ...],
        stride: tuple[int, ...],
        padding: tuple[int, ...],
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding, self.ceil_mode = kernel_size, stride, padding, ceil_mode

    def forward(self, x: Tensor) -> Tensor:
        """Return the minima."""
        pool = F.max_pool2d if len(self.kernel_size) == 2 else F.max_pool1d
        return -pool(-x, self.kernel_size, self.stride, self.padding, ceil_mode=self.ceil_mode)

    def extra_repr(self) -> str:
        """Return the window."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MedianPool(nn.Module):
    """The median of each window; of an even number of values, the mean of the middle two.

    Args:
        kernel_size: sides of the window, one for each axis.
        stride: step of the window along each axis.
    """

    def __init__(self, kernel_size: tuple[int, ...], stride: tuple[int, ...]) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, stride

    def forward(self, x: Tensor) -> Tensor:
        """Return the medians."""
        windows = x
        for axis, (kernel, stride) in enumerate(zip(self.kernel_size, self.stride, strict=True), start=2):
            windows = windows.unfold(axis, kernel, stride)
        ordered = torch.flatten(windows, x.dim()).sort(-1).values
        count = ordered.shape[-1]
        return (ordered[..., (count - 1) // 2] + ordered[..., count // 2]) / 2

    def extra_repr(self) -> str:
        """Return the window."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}"
