import os

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)
rng = np.random.default_rng(seed)


def glyphs(n):
    """Crosses, squares, diagonals and bars of random size on a 10 x 10 grid."""
    pictures = rng.normal(0, 0.45, (n, 1, 10, 10)).astype(np.float32)
    kinds = rng.integers(0, 4, n)
    for p, kind in zip(pictures[:, 0], kinds):
        r, c, s = rng.integers(0, 5, 2).tolist() + [int(rng.integers(4, 6))]
        if kind == 0:
            p[r + s // 2, c:c + s] += 1.2
            p[r:r + s, c + s // 2] += 1.2
        elif kind == 1:
            p[[r, r + s - 1], c:c + s] += 1.2
            p[r:r + s, [c, c + s - 1]] += 1.2
        elif kind == 2:
            p[np.arange(r, r + s), np.arange(c, c + s)] += 1.4
            p[np.arange(r, r + s), np.arange(c + s - 1, c - 1, -1)] += 1.4
        else:
            p[r, c:c + s] += 1.4
            p[r + 2, c:c + s] += 1.4
    return torch.from_numpy(pictures), torch.from_numpy(kinds)


net = nn.Sequential(
    nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.AdaptiveMaxPool2d(2),
    nn.Flatten(), nn.Linear(96, 4),
)
settings = dict(lr=0.003, momentum=0.95, nesterov=True)


def fit_batch(images, labels):
    sgd = torch.optim.SGD(net.parameters(), **settings)
    loss = F.cross_entropy(net(images), labels)
    sgd.zero_grad()
    loss.backward()
    sgd.step()
    return loss.item()


train_x, train_y = glyphs(1600)
test_x, test_y = glyphs(400)
for epoch in range(12):
    net.train()
    mean_loss = np.mean([fit_batch(train_x[b], train_y[b]) for b in torch.randperm(1600).split(32)])
    net.eval()
    with torch.no_grad():
        out = net(test_x)
    print(f"epoch {epoch}: {mean_loss:.3f} test {F.cross_entropy(out, test_y).item():.3f} "
          f"accuracy {(out.argmax(1) == test_y).float().mean().item():.3f}")
print("METRIC", (out.argmax(1) == test_y).float().mean().item())
