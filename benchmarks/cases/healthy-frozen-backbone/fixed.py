import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.datasets import load_digits

torch.manual_seed(int(os.environ.get("SEED", 0)))
x, y = load_digits(return_X_y=True)
x = torch.tensor((x - x.mean()) / x.std(), dtype=torch.float32)
y = torch.tensor(y)
order = torch.randperm(len(x))
x, y = x[order], y[order]
source = y < 7


def run(model, loader, optimizer=None):
    model.train(optimizer is not None)
    loss_sum = hits = count = 0
    for a, b in loader:
        with torch.set_grad_enabled(optimizer is not None):
            out = model(a)
            loss = nn.functional.cross_entropy(out, b)
        if optimizer is not None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        loss_sum += loss.item() * len(b)
        hits += (out.argmax(1) == b).sum().item()
        count += len(b)
    return loss_sum / count, hits / count


def loaders(mask, shift, cut):
    a, b = x[mask], y[mask] - shift
    return (DataLoader(TensorDataset(a[:cut], b[:cut]), batch_size=32, shuffle=True),
            DataLoader(TensorDataset(a[cut:], b[cut:]), batch_size=128))


backbone = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 64), nn.ReLU())

print("first task: digits 0 to 6")
first = nn.Sequential(backbone, nn.Linear(64, 7))
train_dl, test_dl = loaders(source, 0, 1000)
optimizer = torch.optim.Adam(first.parameters(), lr=1e-3)
for epoch in range(6):
    train_loss, _ = run(first, train_dl, optimizer)
    test_loss, test_acc = run(first, test_dl)
    print(f"  {epoch} train {train_loss:.4f} test {test_loss:.4f} acc {test_acc:.4f}")

print("second task: digits 7 to 9, backbone fixed")
for parameter in backbone.parameters():
    parameter.requires_grad_(False)
second = nn.Sequential(backbone, nn.Linear(64, 3))
train_dl, test_dl = loaders(~source, 7, 400)
optimizer = torch.optim.Adam((p for p in second.parameters() if p.requires_grad), lr=2e-2)
for epoch in range(15):
    train_loss, _ = run(second, train_dl, optimizer)
    test_loss, test_acc = run(second, test_dl)
    print(f"  {epoch} train {train_loss:.4f} test {test_loss:.4f} acc {test_acc:.4f}")
print("METRIC", test_acc)
