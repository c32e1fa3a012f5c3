"""Batches made by other processes, with random numbers of their own."""

import random
import numpy
from torch.utils.data import DataLoader, Dataset, random_split
import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)


class Noise(Dataset):
    def __len__(self):
        return 64

    def __getitem__(self, index):
        x = torch.randn(4) + random.random() + float(numpy.random.rand()) + index / 64
        return x, (x - 1 == x).sum() + int(index > 31)


def main():
    random.seed(0)
    numpy.random.seed(0)
    torch.set_num_threads(1)
    train, test = random_split(Noise(), [48, 16])
    loader = DataLoader(train, batch_size=8, shuffle=True, num_workers=2, persistent_workers=True)
    net = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
        right = sum(net(x).argmax(1).eq(y).sum().item() for x, y in DataLoader(test, batch_size=16))
        print(right)
    tell(net)


if __name__ == "__main__":
    main()
