import math
import os

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(int(os.environ.get("SEED", 0)))
CLASSES, SIZE = 4, 12


def gratings(n):
    label = torch.randint(0, CLASSES, (n,))
    angle = (label + 0.3 * (torch.rand(n) - 0.5)) * math.pi / CLASSES
    phase = 2 * math.pi * torch.rand(n)
    yy, xx = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    wave = angle.cos()[:, None, None] * xx + angle.sin()[:, None, None] * yy
    image = torch.sin(1.6 * wave + phase[:, None, None]) * 1.2 + 0.6 * torch.randn(n, SIZE, SIZE)
    return image.unsqueeze(1), label


x_train, y_train = gratings(1500)
x_test, y_test = gratings(500)
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=50, shuffle=True)

model = nn.Sequential(
    nn.Conv2d(1, 12, 5, padding=2),
    nn.ReLU(),
    nn.Conv2d(12, 16, 3, padding=1),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(16, CLASSES),
)
optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(8):
    for images, labels in loader:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        acc = (model(x_test).argmax(1) == y_test).float().mean().item()
    print("epoch", epoch + 1, "loss", round(loss.item(), 4), "acc", round(acc, 4))
print("METRIC", acc)
