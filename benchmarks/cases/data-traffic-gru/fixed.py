import os
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

hours = np.arange(1500)
counts = 1800 + 900 * np.sin(2 * np.pi * (hours - 7) / 24) + 350 * np.sin(2 * np.pi * hours / 12 + 1)
counts *= 1 + 0.15 * np.sin(2 * np.pi * hours / 168)
counts += rng.normal(0, 60, len(hours))

split = 1200
mean, std = counts[:split].mean(), counts[:split].std()
scaled = (counts - mean) / std


class Windows(Dataset):
    def __init__(self, start, stop, size=24):
        self.items = []
        for i in range(start, stop - size):
            x = torch.tensor(scaled[i:i + size], dtype=torch.float32).unsqueeze(-1)
            y = torch.tensor(scaled[i + size], dtype=torch.float32)
            self.items.append((x, y))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, k):
        return self.items[k]


class Forecaster(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        states, _ = self.gru(x)
        return self.out(states[:, -1]).squeeze(-1)


train_loader = DataLoader(Windows(0, split), batch_size=32, shuffle=True)
test_loader = DataLoader(Windows(split, len(counts)), batch_size=64)
model = Forecaster()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
mse = nn.MSELoss()

for epoch in range(10):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = mse(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        pairs = [(model(x), y) for x, y in test_loader]
        pred, true = torch.cat([p for p, _ in pairs]), torch.cat([q for _, q in pairs])
        test = mse(pred, true).item()
    print(f"epoch {epoch:2d} train {loss.item():.4g} test {test:.4g}")

print("METRIC", 1 - test / true.var().item())
