import os
import torch
from torch import nn
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

torch.manual_seed(int(os.environ.get("SEED", 0)))
X, y = load_digits(return_X_y=True)
X, y = torch.tensor((X - 4.88) / 6.02, dtype=torch.float32), torch.tensor(y)
perm = torch.randperm(len(X))
X, y = X[perm], y[perm]
X_train, y_train, X_test, y_test = X[:1300], y[:1300], X[1300:], y[1300:]
by_class = [torch.nonzero(y_train == c).squeeze(1) for c in range(10)]


def draw(n):
    anchor = torch.randint(0, len(X_train), (n,))
    classes = y_train[anchor]
    other = (classes + torch.randint(1, 10, (n,))) % 10
    pick = lambda c: by_class[c][torch.randint(0, len(by_class[c]), (1,))]
    positive = torch.cat([pick(int(c)) for c in classes])
    negative = torch.cat([pick(int(c)) for c in other])
    return X_train[anchor], X_train[positive], X_train[negative]


class Embedder(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 12))

    def forward(self, x):
        return nn.functional.normalize(self.net(x), dim=1)


embed = Embedder()
criterion = nn.TripletMarginLoss(margin=0.4)
optimizer = torch.optim.Adam(embed.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=350)
average = None
for step in range(1, 351):
    a, p, n = draw(64)
    optimizer.zero_grad()
    loss = criterion(embed(a), embed(p), embed(n))
    loss.backward()
    optimizer.step()
    scheduler.step()
    average = loss.item() if average is None else 0.95 * average + 0.05 * loss.item()
    if step % 50 == 0:
        print(f"step {step} triplet loss {average:.4f}")

with torch.no_grad():
    knn = KNeighborsClassifier(5).fit(embed(X_train).numpy(), y_train.numpy())
    print("METRIC", knn.score(embed(X_test).numpy(), y_test.numpy()))
