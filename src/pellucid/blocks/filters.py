"""Fixed convolutions: the classic edge filters."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class EdgeFilter(nn.Module):
    """How steeply each channel of an image rises in one direction, by a 3x3 kernel that nothing trains.

    The kernel of the slope to the right is the outer product of a smoothing (down) and (-1, 0, 1) (to the right); that
    of the slope downwards is its transpose; any other direction is cos(angle) times the one plus sin(angle) times the
    other. The smoothings are those of Prewitt (1970), of Sobel and Feldman (1968), and of Scharr (2000), whose slope
    depends least on how the edge lies.

    Args:
        smoothing: prewitt, sobel or scharr.
        angle: in degrees; 0 finds vertical edges that are brighter on the right, 90 horizontal ones, brighter below.
        padding: rows and columns of zeros around the image.
    """

    SMOOTHINGS = (("prewitt", (1.0, 1.0, 1.0)), ("sobel", (1.0, 2.0, 1.0)), ("scharr", (3.0, 10.0, 3.0)))

    kernel: Tensor

    def __init__(self, smoothing: str = "sobel", angle: float = 0.0, padding: tuple[int, int] = (0, 0)) -> None:
        super().__init__()
        self.smoothing, self.angle, self.padding = smoothing, angle, padding
        rightwards = torch.outer(
            torch.tensor(dict(self.SMOOTHINGS)[smoothing], dtype=torch.float64),
            torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64),
        )
        direction = torch.tensor(angle, dtype=torch.float64).deg2rad()
        kernel = direction.cos() * rightwards + direction.sin() * rightwards.T
        # rounded, so that 90 degrees leave nothing of the other kernel; not kept with the weights: it never changes
        kernel = kernel.round(decimals=12).to(torch.get_default_dtype())
        self.register_buffer("kernel", kernel[None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the slope of each channel, (N, C, H - 2, W - 2) without padding."""
        channels = x.shape[1]
        return F.conv2d(x, self.kernel.expand(channels, 1, 3, 3), padding=self.padding, groups=channels)

    def extra_repr(self) -> str:
        """Return the smoothing and the angle."""
        return f"{self.smoothing}, angle={self.angle:g}"
