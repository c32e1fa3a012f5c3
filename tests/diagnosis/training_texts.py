"""Training scripts, as people write them, that the tests of remedies change."""

IMPORTS = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"

DIGITS = """
import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(int(os.environ.get("SEED", 0)))
x = torch.randn(240, 6)
y = (x[:, 0] * x[:, 1] > 0).long() + (x[:, 2] > 0).long()
loader = DataLoader(TensorDataset(x[:200], y[:200]), batch_size=20, shuffle=True)

model = nn.Sequential(
    nn.Linear(6, 32),
    nn.ReLU(),
    nn.Linear(32, 3),
)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

for epoch in range(12):
    model.train()
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_loss = criterion(model(x[200:]), y[200:])
        accuracy = (model(x[200:]).argmax(1) == y[200:]).float().mean().item()
    print(epoch, val_loss.item(), accuracy)
print("METRIC", accuracy)
"""
"""A healthy classifier; a test breaks it in one place."""

REGRESSION = """
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.rand(300, 2) * 2 - 1
target = torch.sin(3 * x[:, :1]) * x[:, 1:]
x_train, t_train, x_test, t_test = x[:240], target[:240], x[240:], target[240:]


class Net(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.first = nn.Linear(2, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        x = torch.tanh(self.first(x))
        x = torch.tanh(self.second(x))
        return self.out(x)


net = Net()
opt = torch.optim.Adam(net.parameters(), lr=0.01)
for epoch in range(40):
    for rows in torch.randperm(240).split(40):
        opt.zero_grad()
        loss = F.mse_loss(net(x_train[rows]), t_train[rows])
        loss.backward()
        opt.step()
    with torch.no_grad():
        error = F.mse_loss(net(x_test), t_test).item()
print("METRIC", 1 - error / t_test.var().item())
"""
"""A healthy regression; a test breaks it in one place."""
