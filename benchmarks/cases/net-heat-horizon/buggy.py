import os
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

seed = int(os.environ.get("SEED", 0))
rng = np.random.default_rng(seed)
torch.manual_seed(seed)

hours = np.arange(2600)
heat = np.sin(2 * np.pi * hours / 12) + 0.5 * np.sin(2 * np.pi * hours / 7.3 + 1) + 0.1 * rng.normal(size=len(hours))
heat = ((heat - heat[:2000].mean()) / heat[:2000].std()).astype(np.float32)
PAST, AHEAD = 18, 3


class HeatDemand(Dataset):
    def __init__(self, series):
        self.series = torch.from_numpy(series)

    def __len__(self):
        return len(self.series) - PAST - AHEAD + 1

    def __getitem__(self, i):
        return self.series[i:i + PAST], self.series[i + PAST:i + PAST + AHEAD]


train_loader = DataLoader(HeatDemand(heat[:2000]), batch_size=50, shuffle=True)
test_set = HeatDemand(heat[2000:])
x_test, y_test = next(iter(DataLoader(test_set, batch_size=len(test_set))))

N_OUT = 1
model = nn.Sequential(nn.Linear(PAST, 48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, N_OUT))
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.8)
for epoch in range(12):
    total = 0.0
    for past, future in train_loader:
        optimizer.zero_grad()
        loss = ((model(past) - future) ** 2).mean()
        loss.backward()
        optimizer.step()
        total += loss.item() / len(train_loader)
    scheduler.step()
    with torch.no_grad():
        test = ((model(x_test) - y_test) ** 2).mean().item()
    print(f"epoch {epoch} train {total:.4f} test {test:.4f}")
print("METRIC", 1 - test / y_test.var().item())
