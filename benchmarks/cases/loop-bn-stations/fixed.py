import os

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

digits = load_digits()
x = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16.0
y = torch.tensor(digits.target)
dataset = TensorDataset(x, y)
order = rng.permutation(len(y))
train_part = Subset(dataset, order[:1350].tolist())
test_ids = order[1350:]
by_class = {k: Subset(dataset, test_ids[digits.target[test_ids] == k].tolist()) for k in range(10)}

model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
    nn.Flatten(),
    nn.Linear(128, 10),
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.75)
train_loader = DataLoader(train_part, batch_size=45, shuffle=True)

for epoch in range(7):
    model.train()
    total = 0.0
    for xb, yb in train_loader:
        loss = nn.functional.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    scheduler.step()
    print(f"epoch {epoch} loss {total / len(train_loader):.4f}")

model.eval()
right = {}
with torch.no_grad():
    for k, part in by_class.items():
        right[k] = 0
        for xb, yb in DataLoader(part, batch_size=64):
            right[k] += (model(xb).argmax(1) == yb).sum().item()
        print(f"digit {k}: {right[k]} of {len(part)}")
print("METRIC", sum(right.values()) / len(test_ids))
