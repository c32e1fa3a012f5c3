"""A small convolutional network for the digits, written by hand as carefully as one would: `digits_torch.py ROWS`."""

import json
import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

BATCH_SIZE, EPOCHS, PEAK_RATE = 32, 60, 3e-3
SHIFT = 1


def convolution(maps_in: int, maps: int) -> list[nn.Module]:
    """Return a 3x3 convolution, batch norm and ReLU."""
    return [nn.Conv2d(maps_in, maps, 3, padding=1, bias=False), nn.BatchNorm2d(maps), nn.ReLU()]


def small_cnn() -> nn.Module:
    """Return two stages of two convolutions, and a linear read-out of the averaged maps."""
    return nn.Sequential(
        *convolution(1, 16), *convolution(16, 16), nn.MaxPool2d(2),
        *convolution(16, 32), *convolution(32, 32),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip


def shifted(x_B1HW: Tensor) -> Tensor:
    """Move each image by up to SHIFT pixels, its border repeated."""
    batch, _, height, width = x_B1HW.shape
    rows_BH = (torch.arange(height) + torch.randint(-SHIFT, SHIFT + 1, (batch, 1))).clamp_(0, height - 1)
    columns_BW = (torch.arange(width) + torch.randint(-SHIFT, SHIFT + 1, (batch, 1))).clamp_(0, width - 1)
    return x_B1HW[torch.arange(batch)[:, None, None], 0, rows_BH[:, :, None], columns_BW[:, None, :]][:, None]


@torch.no_grad()
def accuracy(network: nn.Module, x: Tensor, y: Tensor) -> float:
    """Return the share of right answers."""
    network.eval()
    return float((network(x).argmax(1) == y).float().mean())


def main() -> None:
    """Train and print the test accuracy as JSON."""
    torch.manual_seed(0)
    digits = load_digits()
    rows = {name: torch.from_numpy(indices) for name, indices in np.load(sys.argv[1]).items()}
    images = torch.from_numpy(digits.images).float()[:, None]
    labels = torch.from_numpy(digits.target)
    train = images[rows["train"]]
    images = (images - train.mean()) / train.std()
    split = {name: (images[indices], labels[indices]) for name, indices in rows.items()}
    x_train, y_train = split["train"]

    network = small_cnn()
    steps = -(-len(x_train) // BATCH_SIZE)
    optimizer = torch.optim.AdamW(network.parameters(), PEAK_RATE, weight_decay=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=EPOCHS * steps, pct_start=0.1)
    best, best_weights = -1.0, network.state_dict()
    for _ in range(EPOCHS):
        network.train()
        for batch in torch.randperm(len(x_train)).split(BATCH_SIZE):
            loss = F.cross_entropy(network(shifted(x_train[batch])), y_train[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        score = accuracy(network, *split["validation"])
        if score > best:
            best, best_weights = score, {name: value.clone() for name, value in network.state_dict().items()}
    network.load_state_dict(best_weights)
    parameters = sum(p.numel() for p in network.parameters())
    metrics = {"accuracy": accuracy(network, *split["test"])}
    print(json.dumps({"metrics": metrics, "epochs": EPOCHS, "network": {"parameters": parameters}}))


main()
