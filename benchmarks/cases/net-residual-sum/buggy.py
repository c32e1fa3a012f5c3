import os
import torch
from torch import nn
from sklearn.datasets import make_friedman1

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)
X, y = make_friedman1(1600, n_features=8, noise=0.5, random_state=seed)
X = torch.tensor((X - 0.5) * 3.4, dtype=torch.float32)
y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
        for m in self.f:
            if isinstance(m, nn.Linear):
                nn.init.kaiming_normal_(m.weight)
                nn.init.zeros_(m.bias)

    def forward(self, x):
        return x + self.f(x)


class Net(nn.Module):
    def __init__(self, depth=12, width=24):
        super().__init__()
        self.stem = nn.Linear(8, width)
        self.blocks = nn.Sequential(*[Residual(width) for _ in range(depth)])
        self.final = nn.Linear(width, 1)

    def forward(self, x):
        return self.final(self.blocks(self.stem(x))).squeeze(1)


net = Net()
optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.01)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 14)
for epoch in range(14):
    for idx in torch.randperm(1200).split(40):
        loss = nn.functional.mse_loss(net(X[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    with torch.no_grad():
        test = nn.functional.mse_loss(net(X[1200:]), y[1200:]).item()
    print(f"epoch {epoch:2d} loss {loss.item():.4f} test {test:.4f}")
print("METRIC", 1 - test / y[1200:].var().item())
