import os
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import make_classification

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)
X, y = make_classification(2600, n_features=20, n_informative=12, n_redundant=0, n_classes=5, n_clusters_per_class=1,
                           class_sep=1.6, flip_y=0.0, random_state=seed)
X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
y = torch.tensor(y)
W = 128


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.w1 = nn.Parameter(torch.randn(20, W) * (2 / 20) ** 0.5)
        self.w2 = nn.Parameter(torch.randn(W, W) * (2 / W) ** 0.5)
        self.w3 = nn.Parameter(torch.randn(W, W) * (2 / W) ** 0.5)
        self.w4 = nn.Parameter(torch.randn(W, 5) * (1 / W) ** 0.5)
        self.b1, self.b2, self.b3, self.b4 = (nn.Parameter(torch.zeros(k)) for k in (W, W, W, 5))

    def forward(self, x):
        x = F.relu(x @ self.w1 + self.b1)
        x = F.relu(x @ self.w2 + self.b2)
        x = F.relu(x @ self.w3 + self.b3)
        return x @ self.w4 + self.b4


net = Net()
opt = torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=1e-4)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 9)
for epoch in range(9):
    for idx in torch.randperm(2000).split(40):
        opt.zero_grad()
        loss = F.cross_entropy(net(X[idx]), y[idx])
        loss.backward()
        opt.step()
    sched.step()
    with torch.no_grad():
        out = net(X[2000:])
        acc = (out.argmax(1) == y[2000:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} test {F.cross_entropy(out, y[2000:]).item():.4f} acc {acc:.4f}")
print("METRIC", acc)
