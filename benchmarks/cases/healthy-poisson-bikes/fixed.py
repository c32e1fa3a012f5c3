import os
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(os.environ.get("SEED", 0))
rng = np.random.default_rng(seed)
torch.manual_seed(seed)
hour, warmth, work = rng.integers(0, 24, 4000), rng.normal(14, 7, 4000), rng.integers(0, 2, 4000)
rush = np.exp(-((hour - 8) / 1.5) ** 2) + np.exp(-((hour - 17.5) / 2) ** 2)
rate = np.exp(0.3 + 1.4 * rush * work + 0.9 * np.exp(-((hour - 14) / 4) ** 2) + 0.05 * (warmth - 14) - 0.0015 * (warmth - 14) ** 2)
count = torch.tensor(rng.poisson(rate), dtype=torch.float32)
features = np.stack([np.sin(2 * np.pi * hour / 24), np.cos(2 * np.pi * hour / 24),
                     np.sin(4 * np.pi * hour / 24), np.cos(4 * np.pi * hour / 24), warmth, work], 1)
features = torch.tensor((features - features.mean(0)) / features.std(0), dtype=torch.float32)

train_loader = DataLoader(TensorDataset(features[:3200], count[:3200]), batch_size=64, shuffle=True)
model = nn.Sequential(nn.Linear(6, 32), nn.SiLU(), nn.Linear(32, 32), nn.SiLU(), nn.Linear(32, 1))
criterion = nn.PoissonNLLLoss(log_input=True)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 6, 0.3)


def deviance(rate, count):
    return 2 * (torch.xlogy(count, count / rate) - (count - rate)).mean()


for epoch in range(15):
    total = 0.0
    for xb, cb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb).squeeze(1), cb)
        loss.backward()
        optimizer.step()
        total += loss.item() / len(train_loader)
    scheduler.step()
    with torch.no_grad():
        test = deviance(model(features[3200:]).squeeze(1).exp(), count[3200:]).item()
    print(f"epoch {epoch + 1} nll {total:.4f} test deviance {test:.4f}")
none = deviance(count[:3200].mean().expand(800), count[3200:]).item()
print("METRIC", 1 - test / none)
