import os
import numpy as np
import torch
import torch.nn as nn
from sklearn.preprocessing import StandardScaler

seed = int(os.environ.get("SEED", 0))
rng = np.random.default_rng(seed)
torch.manual_seed(seed)
rain, heat, soil = rng.gamma(4, 100, 4000), rng.normal(18, 3, 4000), rng.uniform(5, 8, 4000)
gain = 6 - ((rain - 420) / 220) ** 2 * 0.4 - 0.05 * (heat - 19) ** 2 - 0.5 * (soil - 6.5) ** 2
yields = gain + rng.normal(0, 1.3, 4000)
X = np.stack([rain, heat, soil], 1)
x_scale, y_scale = StandardScaler().fit(X[:3200]), StandardScaler().fit(yields[:3200, None])
X = torch.tensor(x_scale.transform(X), dtype=torch.float32)
y = torch.tensor(y_scale.transform(yields[:, None]), dtype=torch.float32)


class YieldModel(nn.Module):
    def __init__(self, hidden=16):
        super().__init__()
        self.hidden = nn.Linear(3, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.out(torch.tanh(self.hidden(x)))


def train_epoch(model, optimizer, loss_fn):
    total = 0.0
    for idx in torch.randperm(3200).split(64):
        optimizer.zero_grad()
        loss = loss_fn(model(X[idx]), y[idx])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx) / 3200
    return total


def evaluate(model, loss_fn):
    with torch.no_grad():
        return loss_fn(model(X[3200:]), y[3200:]).item()


model, loss_fn = YieldModel(), nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=8e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 15)
for epoch in range(15):
    train_loss = train_epoch(model, optimizer, loss_fn)
    scheduler.step()
    test_loss = evaluate(model, loss_fn)
    print(f"{epoch:2d} {train_loss:.4f} {test_loss:.4f}")
print("METRIC", 1 - test_loss / y[3200:].var().item())
