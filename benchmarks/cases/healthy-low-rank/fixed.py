import os
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(int(os.environ.get("SEED", 0)))
X, y = load_digits(return_X_y=True)
X, y = torch.tensor(X, dtype=torch.float32) / 8 - 0.61, torch.tensor(y)
perm = torch.randperm(len(X))
X, y = X[perm], y[perm]


class LowRank(nn.Module):
    """A weight of n_out x n_in as the product of two thin matrices."""

    def __init__(self, n_in, n_out, rank):
        super().__init__()
        self.v = nn.Linear(n_in, rank, bias=False)
        self.u = nn.Linear(rank, n_out)

    def forward(self, x):
        return self.u(self.v(x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = LowRank(64, 128, rank=16)
        self.two = LowRank(128, 128, rank=16)
        self.out = nn.Linear(128, 10)
        self.drop = nn.Dropout(0.2)

    def forward(self, x):
        x = self.drop(F.relu(self.one(x)))
        x = self.drop(F.relu(self.two(x)))
        return self.out(x)


def run_epoch(model, optimizer):
    model.train()
    total = 0.0
    for idx in torch.randperm(1400).split(35):
        loss = F.cross_entropy(model(X[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx) / 1400
    return total


@torch.no_grad()
def evaluate(model):
    model.eval()
    out = model(X[1400:])
    return F.cross_entropy(out, y[1400:]).item(), (out.argmax(1) == y[1400:]).float().mean().item()


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)
for epoch in range(12):
    train = run_epoch(model, optimizer)
    test, accuracy = evaluate(model)
    print(f"epoch {epoch} train {train:.4f} test {test:.4f} accuracy {accuracy:.4f}")
print("METRIC", accuracy)
