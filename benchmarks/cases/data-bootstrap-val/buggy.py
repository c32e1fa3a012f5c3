import os
import numpy as np
import torch
import torch.nn as nn

seed = int(os.environ.get("SEED", 0))
rng = np.random.default_rng(seed)
torch.manual_seed(seed)


def specimens(n):
    mix = rng.normal(size=(n, 10))
    strength = 1.5 * mix[:, 0] - mix[:, 1] + 0.7 * mix[:, 2] * mix[:, 3] + 0.5 * np.abs(mix[:, 4])
    return mix, strength + rng.normal(0, 1.0, n)


mix, strength = specimens(700)
later_mix, later_strength = specimens(1000)

train_rows = rng.choice(700, 560, replace=False)
val_rows = rng.choice(700, 140, replace=False)
mu, sd = strength[train_rows].mean(), strength[train_rows].std()


def tensor(a):
    return torch.as_tensor(a, dtype=torch.float32)


x_train, y_train = tensor(mix[train_rows]), tensor((strength[train_rows] - mu) / sd)
x_val, y_val = tensor(mix[val_rows]), tensor((strength[val_rows] - mu) / sd)
x_later, y_later = tensor(later_mix), tensor((later_strength - mu) / sd)

model = nn.Sequential(nn.Linear(10, 150), nn.ReLU(), nn.Linear(150, 150), nn.ReLU(), nn.Linear(150, 1), nn.Flatten(0))
opt = torch.optim.Adam(model.parameters(), lr=1e-3)


def r2(x, y):
    model.eval()
    with torch.no_grad():
        return (1 - ((model(x) - y) ** 2).mean() / ((y - y.mean()) ** 2).mean()).item()


for epoch in range(1, 26):
    model.train()
    for idx in torch.randperm(560).split(20):
        loss = nn.functional.mse_loss(model(x_train[idx]), y_train[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    if epoch % 5 == 0:
        print(f"epoch {epoch}: train R2 {r2(x_train, y_train):.3f}, validation R2 {r2(x_val, y_val):.3f}")

val_r2, later_r2 = r2(x_val, y_val), r2(x_later, y_later)
print(f"validation {val_r2:.3f}, later batches {later_r2:.3f}")
print("METRIC", 1 - abs(val_r2 - later_r2))
