"""Images made smaller without artefacts."""

from torch import Tensor, nn
from torch.nn import functional as F


class Resize(nn.Module):
    """Bilinear resizing that first smooths what the smaller image cannot hold (anti-aliasing), as image editors do.

    Args:
        size: height and width of the output.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """Return the images (N, C, H, W) in the new size."""
        return F.interpolate(x, size=self.size, mode="bilinear", antialias=True)

    def extra_repr(self) -> str:
        """Return the size."""
        return f"size={self.size}"
