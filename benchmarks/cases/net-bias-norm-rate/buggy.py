import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.datasets import load_digits

torch.manual_seed(int(os.environ.get("SEED", 0)))
bunch = load_digits()
x = torch.tensor(bunch.images, dtype=torch.float32)[:, None] / 16
y = torch.tensor(bunch.target)
p = torch.randperm(len(y))
x, y = (x[p] - 0.305) / 0.376, y[p]
train_loader = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=50, shuffle=True)

BIAS, LR = True, 1e-5
model = nn.Sequential(
    nn.Conv2d(1, 12, 3, padding=1, bias=BIAS), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(12, 24, 3, padding=1, bias=BIAS), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(96, 10),
)
optimizer = torch.optim.Adam(model.parameters(), lr=LR)
for epoch in range(8):
    model.train()
    for images, targets in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), targets)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        out = model(x[1400:])
    acc = (out.argmax(1) == y[1400:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} acc {acc:.4f}")
print("METRIC", acc)
