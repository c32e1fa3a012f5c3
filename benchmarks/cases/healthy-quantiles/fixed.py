import os
import torch
from torch import nn

torch.manual_seed(int(os.environ.get("SEED", 0)))
QUANTILES = torch.tensor([0.1, 0.5, 0.9])


def sample(n):
    x = torch.rand(n, 2) * 2 - 1
    spread = 0.2 + 0.5 * (x[:, 0] + 1) / 2
    return x / 0.58, torch.sin(3 * x[:, 0]) + 0.5 * x[:, 1] + spread * torch.randn(n)


def pinball(prediction, y):
    error = y.unsqueeze(1) - prediction
    return torch.maximum(QUANTILES * error, (QUANTILES - 1) * error).mean()


x, y = sample(3000)
x_test, y_test = sample(3000)
net = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 12)
for epoch in range(12):
    for idx in torch.randperm(3000).split(60):
        loss = pinball(net(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    with torch.no_grad():
        test = net(x_test)
        covered = (y_test.unsqueeze(1) < test).float().mean(0)
    print(f"epoch {epoch} pinball {pinball(test, y_test).item():.4f} covered {[round(c, 3) for c in covered.tolist()]}")
print("METRIC", 1 - (covered - QUANTILES).abs().mean().item())
