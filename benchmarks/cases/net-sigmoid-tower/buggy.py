import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.datasets import load_digits

torch.manual_seed(int(os.environ.get("SEED", 0)))
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32)
x = (x - x.mean()) / x.std()
t = torch.tensor(digits.target)
keep = torch.randperm(len(t))
x, t = x[keep], t[keep]
loader = DataLoader(TensorDataset(x[:1400], t[:1400]), batch_size=28, shuffle=True)


class Tower(nn.Module):
    def __init__(self, depth, width, activation):
        super().__init__()
        sizes = [64] + [width] * depth
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.activation = activation
        self.head = nn.Linear(width, 10)

    def forward(self, h):
        for layer in self.layers:
            h = self.activation(layer(h))
        return self.head(h)


model = Tower(depth=7, width=40, activation=torch.sigmoid)
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-4)
criterion = nn.CrossEntropyLoss()
for epoch in range(12):
    total = 0.0
    for a, b in loader:
        loss = criterion(model(a), b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    with torch.no_grad():
        out = model(x[1400:])
    acc = (out.argmax(1) == t[1400:]).float().mean().item()
    print(f"{epoch:3d} {total / len(loader):.4f} {criterion(out, t[1400:]).item():.4f} {acc:.4f}")
print("METRIC", acc)
