import os
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(os.environ.get("SEED", 0))
rng = np.random.default_rng(seed)
torch.manual_seed(seed)

days = 2200
temperature = 12 + 10 * np.sin(2 * np.pi * np.arange(days) / 365) + rng.normal(0, 3, days)
weekend = (np.arange(days) % 7 >= 5).astype(float)
wind = rng.weibull(2.0, days) * 6
load = 40 + 0.09 * (temperature - 18) ** 2 - 6 * weekend + 0.25 * wind * (temperature < 8) + rng.normal(0, 1.0, days)
table = np.stack([temperature, weekend, wind], 1)
order = rng.permutation(days)
table, load = table[order], load[order]
train, test = slice(0, 1700), slice(1700, None)
table = (table - table[train].mean(0)) / table[train].std(0)
load = (load - load[train].mean()) / load[train].std()
X, y = torch.tensor(table, dtype=torch.float32), torch.tensor(load, dtype=torch.float32).reshape(-1, 1)

model = nn.Sequential(
    nn.Linear(3, 32),
    nn.ReLU(),
    nn.Linear(32, 16),
    nn.ReLU(),
    nn.Linear(16, 1),
    nn.Sigmoid(),
)
optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=8, gamma=0.3)
criterion = nn.MSELoss()
for epoch in range(22):
    train_loss = 0.0
    for xb, yb in DataLoader(TensorDataset(X[train], y[train]), batch_size=32, shuffle=True):
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() * len(xb) / 1700
    scheduler.step()
    with torch.no_grad():
        test_loss = criterion(model(X[test]), y[test]).item()
    if epoch % 3 == 0:
        print(f"{epoch=} {train_loss=:.4f} {test_loss=:.4f}")
print("METRIC", 1 - test_loss / y[test].var().item())
