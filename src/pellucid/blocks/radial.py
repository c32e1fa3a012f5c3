"""Units that answer to the distance from a centre."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Radial(nn.Module):
    """Gaussian radial basis functions, phi_j(x) = exp(-|x - c_j|^2 / (2 s_j^2)).

    Broomhead and Lowe, "Multivariable functional interpolation and adaptive networks" (1988); normalised, with
    phi_j / sum_k phi_k, Moody and Darken, "Fast learning in networks of locally-tuned processing units" (1989).

    Args:
        in_features: size of the last dimension of the input.
        centres: units, the size of the last dimension of the output.
        own_widths: whether each unit has a width s_j of its own; otherwise all share one.
        learned: whether centres and widths are parameters; otherwise they are buffers.
        normalised: whether the outputs are divided by their sum.
    """

    centres: Tensor
    log_widths: Tensor

    def __init__(
        self,
        in_features: int,
        centres: int,
        own_widths: bool = False,
        learned: bool = True,
        normalised: bool = False,
    ) -> None:
        super().__init__()
        self.normalised = normalised
        centres_JD = torch.randn(centres, in_features)
        # the logarithm keeps a width positive whatever a step does; two standard normals lie sqrt(2 D) apart
        log_widths = torch.full((centres if own_widths else 1,), in_features**0.5).log()
        if learned:
            self.centres, self.log_widths = nn.Parameter(centres_JD), nn.Parameter(log_widths)
        else:
            self.register_buffer("centres", centres_JD)
            self.register_buffer("log_widths", log_widths)

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., J) of (..., D)."""
        # |x - c|^2 = |x|^2 - 2 x.c + |c|^2, about the mean of the centres: far from zero the terms would cancel badly
        middle_D = self.centres.detach().mean(0)
        x, centres_JD = x - middle_D, self.centres - middle_D
        squared = x.square().sum(-1, keepdim=True) - 2 * F.linear(x, centres_JD) + centres_JD.square().sum(-1)
        exponent = -squared.clamp(min=0) / (2 * torch.exp(2 * self.log_widths))
        return exponent.softmax(-1) if self.normalised else exponent.exp()

    def extra_repr(self) -> str:
        """Return the sizes."""
        centres, in_features = self.centres.shape
        return f"in_features={in_features}, centres={centres}, widths={len(self.log_widths)}"
