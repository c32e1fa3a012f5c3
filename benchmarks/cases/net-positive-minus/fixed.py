import os
import numpy as np
import torch
from torch import nn

seed = int(os.environ.get("SEED", 0))
rng = np.random.default_rng(seed)
torch.manual_seed(seed)

# shares of five minerals in a sample, three origins
alpha = rng.uniform(1.0, 6.0, (4, 6))
origin = rng.integers(0, 4, 2400)
shares = np.stack([rng.dirichlet(alpha[o]) for o in origin])
x = torch.tensor(np.sqrt(shares) * 2, dtype=torch.float32)
t = torch.tensor(origin)


def weights(n_in, n_out):
    bound = (3.0 / n_in) ** 0.5
    return nn.Parameter(torch.tensor(rng.uniform(-bound, bound, (n_in, n_out)), dtype=torch.float32))


w1, b1 = weights(6, 40), nn.Parameter(torch.zeros(40))
w2, b2 = weights(40, 4), nn.Parameter(torch.zeros(4))
optimizer = torch.optim.Adam([w1, b1, w2, b2], lr=4e-3)


def logits(x):
    return torch.relu(x @ w1 + b1) @ w2 + b2


for epoch in range(15):
    for rows in torch.randperm(1900).split(38):
        loss = nn.functional.cross_entropy(logits(x[rows]), t[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 3 == 2:
        print("epoch", epoch + 1, "loss", loss.item())
with torch.no_grad():
    print("METRIC", (logits(x[1900:]).argmax(1) == t[1900:]).float().mean().item())
