import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler, label_binarize

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)

X, labels = load_digits(return_X_y=True)
order = torch.randperm(len(X)).numpy()
X, labels = X[order], labels[order]
X = torch.tensor(StandardScaler().fit(X[:1300]).transform(X), dtype=torch.float32).clamp(-4, 4)
onehot = torch.tensor(label_binarize(labels, classes=range(10)), dtype=torch.float32)
labels = torch.tensor(labels)
train = DataLoader(TensorDataset(X[:1300], onehot[:1300]), batch_size=26, shuffle=True)

model = nn.Sequential(nn.Linear(64, 60), nn.ReLU(), nn.Dropout(0.2), nn.Linear(60, 10), nn.Softmax(dim=1))
opt = torch.optim.Adam(model.parameters(), lr=2e-3)


def brier(p, target):
    return ((p - target) ** 2).sum(dim=1).mean()


for epoch in range(12):
    model.train()
    score = 0.0
    for xb, tb in train:
        opt.zero_grad()
        loss = brier(model(xb), tb)
        loss.backward()
        opt.step()
        score += loss.item() / len(train)
    model.eval()
    with torch.no_grad():
        p = model(X[1300:])
    acc = (p.argmax(1) == labels[1300:]).float().mean().item()
    print(f"epoch {epoch + 1} brier {score:.4f} test {brier(p, onehot[1300:]).item():.4f} acc {acc:.4f}")
print("METRIC", acc)
