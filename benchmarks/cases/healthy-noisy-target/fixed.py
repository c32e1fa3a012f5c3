import os
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

n_train, n_val = 4000, 1000
dose = rng.normal(size=(n_train + n_val, 5))
response = np.tanh(dose[:, 0]) + 0.5 * dose[:, 1] - 0.4 * np.maximum(dose[:, 2], 0) + 0.2 * dose[:, 3]
response = response + rng.normal(0, 0.85, len(response))
response = (response - response[:n_train].mean()) / response[:n_train].std()
x = torch.tensor(dose, dtype=torch.float32)
y = torch.tensor(response, dtype=torch.float32)

train_loader = DataLoader(TensorDataset(x[:n_train], y[:n_train]), batch_size=80, shuffle=True)
net = nn.Sequential(nn.Linear(5, 24), nn.Tanh(), nn.Linear(24, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=8, gamma=0.4)
loss_fn = nn.MSELoss()

for epoch in range(20):
    net.train()
    total = 0.0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = loss_fn(net(xb).squeeze(1), yb)
        loss.backward()
        optimizer.step()
        total += loss.item()
    scheduler.step()
    net.eval()
    with torch.no_grad():
        val = loss_fn(net(x[n_train:]).squeeze(1), y[n_train:]).item()
    if epoch % 4 == 3:
        print(f"epoch {epoch + 1}: train {total / len(train_loader):.4f} val {val:.4f}")

print("METRIC", 1 - val / y[n_train:].var().item())
