import os
import torch
from torch import nn
import torch.nn.functional as F
from sklearn.datasets import make_friedman1

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)
X, y = make_friedman1(n_samples=3500, n_features=6, noise=0.5, random_state=seed)
X = torch.tensor((X - 0.5) / 0.289, dtype=torch.float32)
y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)
X_train, y_train, X_test, y_test = X[:3000], y[:3000], X[3000:], y[3000:]


class Block(nn.Module):
    """x + f(x), with f(x) = 0 at the start."""

    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, width)
        self.down = nn.Linear(width, width)
        nn.init.zeros_(self.down.weight)
        nn.init.zeros_(self.down.bias)

    def forward(self, h):
        return h + self.down(F.gelu(self.up(self.norm(h))))


class ResNet(nn.Module):
    def __init__(self, n_in, width=32, depth=3):
        super().__init__()
        self.stem = nn.Linear(n_in, width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(depth))
        self.head = nn.Linear(width, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x):
        h = self.stem(x)
        for block in self.blocks:
            h = block(h)
        return self.head(h).squeeze(-1)


net = ResNet(6)
opt = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.05)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 14)
for epoch in range(14):
    total = 0.0
    for idx in torch.randperm(3000).split(50):
        loss = F.mse_loss(net(X_train[idx]), y_train[idx])
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        total += loss.item() * len(idx) / 3000
    sched.step()
    with torch.no_grad():
        test = F.mse_loss(net(X_test), y_test).item()
    print(f"{epoch:2d}  {total:.4f}  {test:.4f}")
print("METRIC", 1 - test / y_test.var().item())
