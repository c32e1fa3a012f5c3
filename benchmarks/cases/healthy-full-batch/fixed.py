import os
import torch
from torch import nn
from sklearn.datasets import make_moons

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)
X, y = make_moons(2400, noise=0.2, random_state=seed)
X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
y = torch.tensor(y, dtype=torch.float32)
model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1), nn.Flatten(0))
optimizer = torch.optim.Rprop(model.parameters(), lr=5e-3, step_sizes=(1e-6, 0.1))
criterion = nn.BCEWithLogitsLoss()
for step in range(1, 251):
    optimizer.zero_grad()
    loss = criterion(model(X[:2000]), y[:2000])
    loss.backward()
    optimizer.step()
    if step % 25 == 0:
        with torch.no_grad():
            out = model(X[2000:])
        print(step, f"train {loss.item():.4f} test {criterion(out, y[2000:]).item():.4f}")
print("METRIC", ((out > 0).float() == y[2000:]).float().mean().item())
