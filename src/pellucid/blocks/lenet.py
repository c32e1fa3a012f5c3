"""What the LeNet-5 of 1998 has and torch lacks: trainable subsampling, a table of connections, its squashing, codes.

LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", Proceedings of the IEEE
86 (1998), section II.B and appendix A.

Shape letters: N batch, C channels, H height, W width, F features, K classes.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Subsample(nn.Module):
    """The sum of each window times a trainable coefficient plus a trainable bias, one of each a channel: S2 and S4.

    It begins as the mean of each window.

    Args:
        channels: of the input (N, C, H, W), and of the output.
        kernel_size: sides of the window, which is also its step.
    """

    def __init__(self, channels: int, kernel_size: tuple[int, int]) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.weight = nn.Parameter(torch.full((channels,), 1 / (kernel_size[0] * kernel_size[1])))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return the smaller maps."""
        sums = F.avg_pool2d(x, self.kernel_size) * (self.kernel_size[0] * self.kernel_size[1])
        return sums * self.weight[:, None, None] + self.bias[:, None, None]

    def extra_repr(self) -> str:
        """Return the window."""
        return f"channels={len(self.weight)}, kernel_size={self.kernel_size}"


class TableConv(nn.Module):
    """The convolution C3, each of whose 16 maps sees only some of the 6 maps before it: 60 kernels of 96.

    So its maps are forced to differ, and the network's symmetry is broken. Each map begins as in torch's convolution
    of as many inputs.

    Args:
        kernel_size: sides of the kernels.
    """

    # the maps that each map sees, the columns of the paper's Table I
    TABLE = (
        *("012", "123", "234", "345", "045", "015"),
        *("0123", "1234", "2345", "0345", "0145", "0125", "0134", "1245", "0235", "012345"),
    )

    kernels: Tensor

    def __init__(self, kernel_size: tuple[int, int]) -> None:
        super().__init__()
        seen = torch.tensor([[str(each) in every for each in range(6)] for every in self.TABLE])
        reach = (seen.sum(1) * kernel_size[0] * kernel_size[1]).rsqrt()
        maps = seen.nonzero()[:, 0]
        self.weight = nn.Parameter((2 * torch.rand(len(maps), *kernel_size) - 1) * reach[maps, None, None])
        self.bias = nn.Parameter((2 * torch.rand(len(self.TABLE)) - 1) * reach)
        # the number of each connection's kernel; where there is none, that of a kernel of zeros behind the last
        numbers = seen.flatten().cumsum(0).view_as(seen) - 1
        self.register_buffer("kernels", numbers.where(seen, len(maps)), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return 16 maps (N, 16, H', W') of 6, (N, 6, H, W)."""
        return F.conv2d(x, F.pad(self.weight, (0, 0, 0, 0, 0, 1))[self.kernels], self.bias)

    def extra_repr(self) -> str:
        """Return the kernel and the number of connections."""
        return f"kernel_size={tuple(self.weight.shape[1:])}, connections={len(self.weight)}"


class ScaledTanh(nn.Module):
    """The squashing function 1.7159 tanh(2/3 x): f(1) = 1 and f(-1) = -1, where its second derivative is largest."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the squashed numbers."""
        return 1.7159 * torch.tanh(2 / 3 * x)


class Codes(nn.Module):
    """Minus the squared distances to fixed codes of +1 and -1, one a class: the output layer of 1998, turned round.

    o_k = -sum_j (x_j - c_kj)^2, so that the largest output is the nearest code's. The codes of ten classes in 84
    numbers are the digits as pictures of 7 x 12, drawn anew here, for the paper's are known as a figure only: digits
    that look alike have codes that are alike. Other codes have nothing to look like: each is half +1 and half -1, drawn
    with one seed, no two the same.

    Args:
        in_features: numbers in a code.
        classes: how many codes.
    """

    DIGITS = """
        .#####. ...##.. .#####. .#####. ....##. ####### ..####. ####### .#####. .#####.
        ##...## ..###.. ##...## ##...## ...###. ##..... .##.... .....## ##...## ##...##
        ##...## .####.. .....## .....## ...###. ##..... ##..... .....## ##...## ##...##
        ##...## ...##.. .....## .....## ..#.##. ##..... ##..... ....##. ##...## ##...##
        ##...## ...##.. ....##. .....## ..#.##. ######. ##..... ....##. .##.##. ##...##
        ##...## ...##.. ....##. ..####. .#..##. .....## ######. ...##.. ..###.. ##...##
        ##...## ...##.. ...##.. .....## .#..##. .....## ##...## ...##.. .##.##. .######
        ##...## ...##.. ..##... .....## ####### .....## ##...## ..##... ##...## .....##
        ##...## ...##.. ..##... .....## ....##. .....## ##...## ..##... ##...## .....##
        ##...## ...##.. .##.... .....## ....##. .....## ##...## .##.... ##...## .....##
        ##...## ...##.. ##..... ##...## ....##. ##...## ##...## .##.... ##...## ....##.
        .#####. .###### ####### .#####. ....##. .#####. .#####. ##..... .#####. .####..
    """

    codes: Tensor

    def __init__(self, in_features: int, classes: int) -> None:
        super().__init__()
        drawn = (in_features, classes) == (84, 10)
        self.register_buffer("codes", self.digits() if drawn else self.halves(in_features, classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, K) of (N, F)."""
        # |x - c|^2 = |x|^2 - 2 x.c + F, for a code's numbers are all +1 or -1
        return 2 * F.linear(x, self.codes) - x.square().sum(-1, keepdim=True) - self.codes.shape[1]

    @classmethod
    def digits(cls) -> Tensor:
        """Return the pictures of the digits 0 to 9 as numbers, row after row, (10, 84)."""
        rows = [line.split() for line in cls.DIGITS.split("\n") if line.strip()]
        return torch.tensor([[1.0 if dot == "#" else -1.0 for row in rows for dot in row[k]] for k in range(10)])

    @staticmethod
    def halves(in_features: int, classes: int) -> Tensor:
        """Return codes half of whose numbers are +1, (K, F); there must be more such codes than classes."""
        stream = torch.Generator().manual_seed(1998)
        found: dict[tuple[int, ...], None] = {}
        while len(found) < classes:
            order = torch.randperm(in_features, generator=stream)
            found[tuple(sorted(order[: in_features // 2].tolist()))] = None
        codes = torch.full((classes, in_features), -1.0)
        for code, ones in zip(codes, found, strict=True):
            code[list(ones)] = 1.0
        return codes

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"in_features={self.codes.shape[1]}, classes={self.codes.shape[0]}"
