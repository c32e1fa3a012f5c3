import os
import torch
from torch import nn
from sklearn.datasets import make_blobs

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)
X, y = make_blobs(3000, n_features=6, centers=24, cluster_std=1.0, center_box=(-5, 5), random_state=seed)
X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
y = torch.tensor(y)

net = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 24), nn.Softmax(dim=1))
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
nll = nn.NLLLoss()
for epoch in range(12):
    seen = 0.0
    for rows in torch.randperm(2400).split(48):
        loss = nll(net(X[rows]), y[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
        seen += loss.item() / 50
    with torch.no_grad():
        acc = (net(X[2400:]).argmax(1) == y[2400:]).float().mean().item()
    print(epoch, f"{seen:.4f} {acc:.4f}")
print("METRIC", acc)
