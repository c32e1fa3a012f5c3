"""The random code of a variational autoencoder."""

import torch
from torch import Tensor, nn


class Sample(nn.Module):
    """A normal sample from a mean and a log-variance, z = mean + exp(log_variance / 2) * noise; at inference the mean.

    The first half of the input's dimension 1 is the mean, the second the log-variance (the reparametrisation trick of
    Kingma and Welling, "Auto-Encoding Variational Bayes", 2014).

    Args:
        beta: weight of the divergence in the loss.
    """

    def __init__(self, beta: float = 1.0) -> None:
        super().__init__()
        self.beta = beta

    def forward(self, x: Tensor) -> Tensor:
        """Return the code, half as many numbers as the input."""
        mean, log_variance = x.chunk(2, dim=1)
        if not self.training:
            return mean
        return mean + torch.exp(log_variance / 2) * torch.randn_like(mean)

    def extra_repr(self) -> str:
        """Return the weight of the divergence."""
        return f"beta={self.beta}"

    @staticmethod
    def divergence(x: Tensor) -> Tensor:
        """Return, for each sample's input, the Kullback-Leibler divergence of its normal from N(0, 1), in nats."""
        mean, log_variance = x.flatten(1).chunk(2, dim=1)
        return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1)
