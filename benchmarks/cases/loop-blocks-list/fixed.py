import os
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(os.environ.get("SEED", 0))
rng = np.random.default_rng(seed)
torch.manual_seed(seed)


def orbit(n):
    p = rng.uniform(-1, 1, (n, 3))
    f = np.sin(3 * p[:, 0] * p[:, 1]) + np.cos(2 * p[:, 2]) * p[:, 0]
    return p / 0.577, f + rng.normal(0, 0.03, n)


class Block(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)

    def forward(self, x):
        return torch.tanh(self.linear(x))


class DeepNet(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.blocks = nn.ModuleList([Block(a, b) for a, b in zip(sizes, sizes[1:])])
        self.last = nn.Linear(sizes[-1], 1)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.last(x).squeeze(-1)


X, y = orbit(2600)
y = (y - y[:2000].mean()) / y[:2000].std()
X, y = torch.from_numpy(X).float(), torch.from_numpy(y).float()
train = DataLoader(TensorDataset(X[:2000], y[:2000]), batch_size=50, shuffle=True)
model = DeepNet([3, 32, 32, 24])
print("trainable:", sum(p.numel() for p in model.parameters()))
opt = torch.optim.Adam(model.parameters(), lr=8e-3)
scheduler = torch.optim.lr_scheduler.MultiStepLR(opt, milestones=[18, 25], gamma=0.3)
for epoch in range(30):
    model.train()
    sse = 0.0
    for a, b in train:
        opt.zero_grad()
        loss = ((model(a) - b) ** 2).mean()
        loss.backward()
        opt.step()
        sse += loss.item() * len(a)
    scheduler.step()
    model.eval()
    with torch.no_grad():
        val = ((model(X[2000:]) - y[2000:]) ** 2).mean().item()
    if epoch % 5 == 4:
        print(f"{epoch + 1:3d}: train {sse / 2000:.4f} val {val:.4f}")
print("METRIC", 1 - val / y[2000:].var().item())
