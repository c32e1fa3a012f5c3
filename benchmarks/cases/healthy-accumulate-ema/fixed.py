import copy
import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.datasets import make_friedman1

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)
X, y = make_friedman1(2400, n_features=10, noise=1.0, random_state=seed)
X = torch.tensor((X - 0.5) / 0.289, dtype=torch.float32)
y = torch.tensor((y - y[:1920].mean()) / y[:1920].std(), dtype=torch.float32).unsqueeze(1)
loader = DataLoader(TensorDataset(X[:1920], y[:1920]), batch_size=8, shuffle=True)

model = nn.Sequential(nn.Linear(10, 32), nn.GELU(), nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 1))
shadow = copy.deepcopy(model).requires_grad_(False)
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.05)
ACCUMULATE, DECAY = 4, 0.99
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=14 * len(loader) // ACCUMULATE)
loss_fn = nn.MSELoss()

for epoch in range(14):
    total = 0.0
    optimizer.zero_grad()
    for i, (xb, yb) in enumerate(loader):
        loss = loss_fn(model(xb), yb) / ACCUMULATE
        loss.backward()
        total += loss.item() * ACCUMULATE / len(loader)
        if (i + 1) % ACCUMULATE == 0:
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
            with torch.no_grad():
                for s, p in zip(shadow.parameters(), model.parameters()):
                    s.mul_(DECAY).add_(p, alpha=1 - DECAY)
    test = loss_fn(shadow(X[1920:]), y[1920:]).item()
    print(f"epoch {epoch + 1:2d} train {total:.4f} test {test:.4f}")
print("METRIC", 1 - test / y[1920:].var().item())
