import os
import torch
import torch.nn as nn
from sklearn.datasets import make_friedman2
from sklearn.preprocessing import StandardScaler

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)
X, y = make_friedman2(n_samples=2200, noise=30.0, random_state=seed)
X = torch.tensor(StandardScaler().fit_transform(X), dtype=torch.float32)
y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32).view(-1, 1)


class Block(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)
        self.act = nn.Softmax(dim=-1)

    def forward(self, x):
        return self.act(self.linear(x))


model = nn.Sequential(Block(4, 40), Block(40, 40), nn.Linear(40, 1))
opt = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
for epoch in range(16):
    running = 0.0
    for batch in torch.randperm(1800).split(36):
        opt.zero_grad()
        loss = nn.functional.mse_loss(model(X[batch]), y[batch])
        loss.backward()
        opt.step()
        running += loss.item() / 50
    with torch.no_grad():
        valid = nn.functional.mse_loss(model(X[1800:]), y[1800:]).item()
    print(f"epoch {epoch} train {running:.4f} valid {valid:.4f}")
print("METRIC", 1 - valid / y[1800:].var().item())
