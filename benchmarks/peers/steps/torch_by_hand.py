"""`torch_by_hand NAME`: the shortest loop one would write, with the fused Adam."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.peers.steps.made import RATE, answer
from benchmarks.peers.steps.torch_networks import batches_of, network_of


def make(name: str, *, compiles: bool = False) -> Callable[[], None]:
    """Return what trains all steps once, with the network and its loss compiled where that is wanted."""
    network, batches = network_of(name), batches_of(name)
    optimizer = torch.optim.Adam(network.parameters(), RATE, fused=True)

    def loss_of(inputs_B: Tensor, targets_B: Tensor) -> Tensor:
        return F.cross_entropy(network(inputs_B), targets_B)

    forward = torch.compile(loss_of) if compiles else loss_of

    def train() -> None:
        for inputs_B, targets_B in batches:
            loss = forward(inputs_B, targets_B)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return train


if __name__ == "__main__":
    answer(make)
