"""One trial as one would write it: the shortest loop in PyTorch around AdamW."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.peers.searches.made import BATCH, Search
from pellucid.data.dataset import Dataset
from pellucid.networks import build

Batches = Callable[[], Iterator[tuple[Tensor, Tensor]]]
"""An epoch's, each time it is called."""


def trained(search: Search, data: Dataset, batches: Batches, rate: float, momentum: float, decay: float) -> float:
    """Return the best validation accuracy of a training's epochs."""
    x_validation, y_validation = data.split("validation")
    network = build(search.arrows)
    optimizer = torch.optim.AdamW(network.parameters(), rate, betas=(momentum, 0.999), weight_decay=decay, fused=True)
    best = 0.0
    for _ in range(search.epochs):
        network.train()
        for x, y in batches():
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(x), y).backward()
            optimizer.step()
        network.eval()
        with torch.no_grad():
            best = max(best, (network(x_validation).argmax(1) == y_validation).float().mean().item())
    return best


def ready(data: Dataset) -> Batches:
    """Return batches of tensors that lie ready, shuffled at once."""
    x, y = data.split("train")

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(x))[: len(x) // BATCH * BATCH]
        return zip(x[order].split(BATCH), y[order].split(BATCH), strict=True)

    return batches


def loaded(data: Dataset) -> Batches:
    """Return the batches of torch's `DataLoader`."""
    loader = DataLoader(TensorDataset(*data.split("train")), batch_size=BATCH, shuffle=True, drop_last=True)
    return lambda: iter(loader)
