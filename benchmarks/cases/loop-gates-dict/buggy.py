import os
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(int(os.environ.get("SEED", 0)))


class GatedCell(nn.Module):
    def __init__(self, n_in, n_state):
        super().__init__()
        width = n_in + n_state
        gates = {name: nn.Linear(width, n_state) for name in ("reset", "refresh", "candidate")}
        self.gates = gates
        self.n_state = n_state

    def forward(self, x, h):
        both = torch.cat([x, h], dim=1)
        r = torch.sigmoid(self.gates["reset"](both))
        z = torch.sigmoid(self.gates["refresh"](both))
        c = torch.tanh(self.gates["candidate"](torch.cat([x, r * h], dim=1)))
        return z * h + (1 - z) * c


class Tracker(nn.Module):
    def __init__(self, n_state=24):
        super().__init__()
        self.cell = GatedCell(2, n_state)
        self.out = nn.Linear(n_state, 3)

    def forward(self, x):
        h = x.new_zeros(x.shape[0], self.cell.n_state)
        for t in range(x.shape[1]):
            h = self.cell(x[:, t], h)
        return self.out(h)


def walks(n, steps=16):
    """Which mark was seen last: +1, -1 or none? The second column is noise."""
    x = torch.zeros(n, steps, 2)
    x[..., 1] = torch.randn(n, steps)
    y = torch.randint(0, 3, (n,))
    for k in range(n):
        if y[k] < 2:
            first, last = sorted(torch.randperm(steps - 2)[:2].tolist())
            x[k, first, 0] = 1.0 if torch.rand(()) < 0.5 else -1.0
            x[k, last, 0] = 1.0 - 2.0 * y[k]
    return x, y


train_loader = DataLoader(TensorDataset(*walks(1500)), batch_size=50, shuffle=True)
test_x, test_y = walks(400)
model = Tracker()
optimizer = torch.optim.Adam(model.parameters(), lr=8e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(14):
    model.train()
    running_loss = 0.0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimizer.step()
        running_loss += loss.item()
    model.eval()
    with torch.no_grad():
        out = model(test_x)
    acc = (out.argmax(1) == test_y).float().mean().item()
    print(f"epoch {epoch} loss {running_loss / len(train_loader):.4f} test {criterion(out, test_y).item():.4f} acc {acc:.3f}")
print("METRIC", acc)
