"""`torch_compiled NAME`: the same loop with the network and its loss compiled."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.peers.steps.made import RATE, answer
from benchmarks.peers.steps.torch_networks import batches_of, network_of


def make(name: str) -> Callable[[], None]:
    """Return what trains all steps once."""
    network, batches = network_of(name), batches_of(name)
    optimizer = torch.optim.Adam(network.parameters(), RATE, fused=True)

    @torch.compile
    def loss_of(inputs_B: Tensor, targets_B: Tensor) -> Tensor:
        return F.cross_entropy(network(inputs_B), targets_B)

    def train() -> None:
        for inputs_B, targets_B in batches:
            loss = loss_of(inputs_B, targets_B)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return train


if __name__ == "__main__":
    answer(make)
