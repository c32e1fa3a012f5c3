import os
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

seed = int(os.environ.get("SEED", 0))
rng = np.random.default_rng(seed)
torch.manual_seed(seed)

digits = load_digits()
pixels = torch.tensor((digits.data - digits.data[:1200].mean()) / digits.data[:1200].std(), dtype=torch.float32)
labels = digits.target
order = rng.permutation(len(labels))
groups = {"train": order[:1200], "test": order[1200:]}


def pairs(part, n):
    first = rng.choice(groups[part], n)
    same = rng.random(n) < 0.5
    second = np.empty(n, dtype=np.int64)
    for k in range(n):
        pool = groups[part][(labels[groups[part]] == labels[first[k]]) == same[k]]
        second[k] = rng.choice(pool)
    return pixels[first], pixels[second], torch.from_numpy(same.astype(np.float32))


class Twin(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 12))

    def forward(self, a, b):
        difference = self.net(a) - self.net(b)
        return torch.sqrt((difference ** 2).sum(dim=1) + 1e-8)


def contrastive_loss(distance, same, margin=2.0):
    return (same * distance ** 2 + (1 - same) * F.relu(margin - distance) ** 2).mean()


train_a, train_b, train_same = pairs("train", 4000)
test_a, test_b, test_same = pairs("test", 800)
model = Twin()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-3)
for epoch in range(12):
    losses = []
    for rows in torch.randperm(len(train_same)).split(64):
        loss = contrastive_loss(model(train_a[rows], train_b[rows]), train_same[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        distance = model(test_a, test_b)
        test_loss = contrastive_loss(distance, test_same).item()
    accuracy = ((distance < 1.0) == (test_same > 0.5)).float().mean().item()
    print(f"epoch {epoch} loss {np.mean(losses):.4f} test {test_loss:.4f} accuracy {accuracy:.4f}")
print("METRIC", accuracy)
