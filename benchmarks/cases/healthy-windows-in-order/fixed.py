import os
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)
rng = np.random.default_rng(seed)


def tide(n):
    t = np.arange(n)
    height = np.sin(2 * np.pi * t / 12.4) + 0.45 * np.sin(2 * np.pi * t / 24 + 1) + 0.06 * rng.normal(size=n)
    return height.astype(np.float32)


class WindowSet(Dataset):
    def __init__(self, series, past=24):
        self.series = torch.from_numpy(series)
        self.past = past

    def __len__(self):
        return len(self.series) - self.past

    def __getitem__(self, i):
        return self.series[i:i + self.past], self.series[i + self.past]


series = tide(2400)
series = (series - series[:2000].mean()) / series[:2000].std()
train_loader = DataLoader(WindowSet(series[:2000]), batch_size=64)
val_loader = DataLoader(WindowSet(series[2000:]), batch_size=200)


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 12, 5)
        self.fc1 = nn.Linear(240, 32)
        self.fc2 = nn.Linear(32, 1)

    def forward(self, x):
        h = torch.relu(self.conv(x.unsqueeze(1)))
        return self.fc2(torch.relu(self.fc1(h.flatten(1)))).squeeze(1)


model = Forecaster()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(15):
    model.train()
    train_loss = []
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = ((model(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        train_loss.append(loss.item())
    model.eval()
    with torch.no_grad():
        parts = [(model(x), y) for x, y in val_loader]
    forecast, truth = (torch.cat(p) for p in zip(*parts))
    val = ((forecast - truth) ** 2).mean().item()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1} train {np.mean(train_loss):.4f} val {val:.4f}")
print("METRIC", 1 - val / truth.var().item())
