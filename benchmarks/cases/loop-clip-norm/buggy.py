import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(int(os.environ.get("SEED", 0)))
MAX_NORM = 1e-3


def decays(n, steps=15):
    """The initial height of a noisy decaying curve whose rate differs from row to row."""
    height = torch.randn(n, 1)
    rate = 0.05 + 0.25 * torch.rand(n, 1)
    t = torch.arange(steps).float()
    x = height * torch.exp(-rate * t) + 0.1 * torch.randn(n, steps)
    return x.unsqueeze(-1), height


class CurveReader(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.rnn = nn.GRU(1, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, 1)

    def forward(self, x):
        _, h = self.rnn(x)
        return self.fc(h[-1])


x_train, y_train = decays(2000)
x_val, y_val = decays(500)
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=40, shuffle=True)
model = CurveReader()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
criterion = nn.MSELoss()

for epoch in range(12):
    model.train()
    total = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
        optimizer.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        val = criterion(model(x_val), y_val).item()
    print(f"epoch {epoch:2d} train {total / len(loader):.4f} val {val:.4f}")

print("METRIC", 1 - val / y_val.var().item())
