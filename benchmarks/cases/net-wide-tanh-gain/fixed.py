import os
import torch
import torch.nn as nn
from sklearn.datasets import load_digits

torch.manual_seed(int(os.environ.get("SEED", 0)))
X, y = load_digits(return_X_y=True)
X = torch.tensor(X / 6 - 0.81, dtype=torch.float32)
y = torch.tensor(y)
order = torch.randperm(len(y))
train, test = order[:1300], order[1300:]

GAIN = 1.0
net = nn.Sequential(nn.Linear(64, 100), nn.Tanh(), nn.Linear(100, 100), nn.Tanh(), nn.Linear(100, 100), nn.Tanh(), nn.Linear(100, 10))
for layer in net:
    if isinstance(layer, nn.Linear):
        nn.init.normal_(layer.weight, std=GAIN / layer.in_features ** 0.5)
        nn.init.zeros_(layer.bias)
opt = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 12)
ce = nn.CrossEntropyLoss()
for epoch in range(12):
    total = 0.0
    for idx in train[torch.randperm(1300)].split(26):
        loss = ce(net(X[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() / 50
    sched.step()
    with torch.no_grad():
        acc = (net(X[test]).argmax(1) == y[test]).float().mean().item()
    print(f"{epoch:2d} {total:.4f} {acc:.4f}")
print("METRIC", acc)
