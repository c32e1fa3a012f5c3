import os

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(os.environ.get("SEED", 0))
rng = np.random.default_rng(seed)
torch.manual_seed(seed)

# ---- data
n = 5000
brand, fuel, town = rng.integers(0, 12, n), rng.integers(0, 3, n), rng.integers(0, 20, n)
age, mileage, power = rng.gamma(2.0, 3.0, n), rng.gamma(3.0, 30.0, n), rng.normal(110, 30, n)
prestige, dislike, distance = rng.normal(0, 0.5, 12), np.array([0.0, -0.15, 0.2]), rng.normal(0, 0.1, 20)
log_price = (9.5 + prestige[brand] + dislike[fuel] + distance[town] - 0.09 * age * (1 - 0.4 * prestige[brand])
             - 0.002 * mileage + 0.006 * (power - 110) + rng.normal(0, 0.12, n))
price = np.exp(log_price)

# ---- preparation: integer codes for the categories, z-scores for the numbers, the log of the price
categories = torch.tensor(np.stack([brand, fuel, town], 1))
numbers = np.stack([age, np.log1p(mileage), mileage, power], 1)
split = int(0.8 * n)
numbers = torch.tensor((numbers - numbers[:split].mean(0)) / numbers[:split].std(0), dtype=torch.float32)
target = np.log(price)
target_mean, target_std = target[:split].mean(), target[:split].std()
target = torch.tensor((target - target_mean) / target_std, dtype=torch.float32)
train_dl = DataLoader(TensorDataset(categories[:split], numbers[:split], target[:split]), batch_size=64, shuffle=True)
valid_dl = DataLoader(TensorDataset(categories[split:], numbers[split:], target[split:]), batch_size=250)


class TabularModel(nn.Module):
    def __init__(self, sizes=((12, 6), (3, 2), (20, 8)), n_numbers=4, layers=(64, 32), p=0.05):
        super().__init__()
        self.embeds = nn.ModuleList(nn.Embedding(count, dim) for count, dim in sizes)
        for e in self.embeds:
            nn.init.normal_(e.weight, std=0.05)
        self.bn_numbers = nn.BatchNorm1d(n_numbers)
        widths = [sum(dim for _, dim in sizes) + n_numbers, *layers]
        blocks = []
        for a, b in zip(widths, widths[1:]):
            blocks += [nn.Linear(a, b, bias=False), nn.BatchNorm1d(b), nn.ReLU(), nn.Dropout(p)]
        self.layers = nn.Sequential(*blocks, nn.Linear(widths[-1], 1))

    def forward(self, cats, nums):
        x = torch.cat([e(cats[:, i]) for i, e in enumerate(self.embeds)] + [self.bn_numbers(nums)], 1)
        return self.layers(x).squeeze(-1)


model = TabularModel()
epochs = 10
opt = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=8e-3, epochs=epochs, steps_per_epoch=len(train_dl))
for epoch in range(epochs):
    model.train()
    losses = []
    for c, x, y in train_dl:
        opt.zero_grad()
        loss = nn.functional.mse_loss(model(c, x), y)
        loss.backward()
        opt.step()
        sched.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        out = torch.cat([model(c, x) for c, x, _ in valid_dl])
    error = (out - target[split:]).pow(2).mean().item()
    rmspe = np.sqrt(np.mean((np.exp((out.numpy() - target[split:].numpy()) * target_std) - 1) ** 2))
    print(f"{epoch:2d} train {np.mean(losses):.4f} valid {error:.4f} rmspe {rmspe:.4f}")
print("METRIC", 1 - error / target[split:].var().item())
