import os
import numpy as np
import torch
from torch import nn
import torch.nn.functional as F
from sklearn.datasets import make_blobs

seed = int(os.environ.get("SEED", 0))
rng = np.random.default_rng(seed)
torch.manual_seed(seed)

X, y = make_blobs(n_samples=2600, centers=6, n_features=10, cluster_std=2.2, center_box=(-3.5, 3.5), random_state=seed + 7)
X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
y = torch.tensor(y)
X_train, y_train, X_test, y_test = X[:2000], y[:2000], X[2000:], y[2000:]

net = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 6))
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
sched = torch.optim.lr_scheduler.MultiStepLR(opt, milestones=[12, 18], gamma=0.2)

ALPHA = 0.4
for epoch in range(22):
    total = 0.0
    for idx in torch.randperm(2000).split(50):
        x, t = X_train[idx], y_train[idx]
        lam = rng.beta(ALPHA, ALPHA)
        other = torch.randperm(len(x))
        mixed = lam * x + (1 - lam) * x[other]
        out = net(mixed)
        loss = lam * F.cross_entropy(out, t) + (1 - lam) * F.cross_entropy(out, t[other])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    sched.step()
    with torch.no_grad():
        out = net(X_test)
        acc = (out.argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch:2d}  mixup loss {total / 40:.4f}  test loss {F.cross_entropy(out, y_test).item():.4f}  acc {acc:.4f}")
print("METRIC", acc)
