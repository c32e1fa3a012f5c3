"""Small networks, data and loops that tests of causes are made of."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

from pellucid.diagnosis import Watch

Loss = Callable[[Tensor, Tensor], Tensor]


def causes_of(watch: Watch) -> list[str]:
    return [finding.cause for finding in watch.findings if finding.severity != "info"]


def train(
    network: nn.Module,
    data: tuple[Tensor, Tensor],
    loss_of: Loss,
    *,
    test: tuple[Tensor, Tensor] | None = None,
    optimizer: torch.optim.Optimizer | None = None,
    epochs: int = 15,
    after_backward: Callable[[], object] = lambda: None,
    after_epoch: Callable[[], object] = lambda: None,
) -> None:
    optimizer = optimizer or torch.optim.Adam(network.parameters(), lr=5e-3)
    x, y = data
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            loss_of(network(x[rows]), y[rows]).backward()
            after_backward()
            optimizer.step()
        if test is not None:
            with torch.no_grad():
                loss_of(network(test[0]), test[1])
        after_epoch()


def dense(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Linear(widths[0], widths[1])]
    for one, other in pairwise(widths[1:]):
        layers += [nn.ReLU(), nn.Linear(one, other)]
    return nn.Sequential(*layers)


def rings(samples: int) -> tuple[Tensor, Tensor]:
    y_N = torch.arange(samples) % 2
    angle_N = torch.rand(samples) * 2 * torch.pi
    return torch.stack((angle_N.cos(), angle_N.sin()), 1) * (1.0 + y_N[:, None]) + 0.1 * torch.randn(samples, 2), y_N
