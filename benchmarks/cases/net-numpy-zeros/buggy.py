import os
import torch
from sklearn.datasets import load_digits

torch.manual_seed(int(os.environ.get("SEED", 0)))
X, y = load_digits(return_X_y=True)
X, y = torch.tensor(X, dtype=torch.float32) / 8 - 0.6, torch.tensor(y)
mix = torch.randperm(len(X))
X, y = X[mix], y[mix]


def new_weights(n_in, n_out):
    return torch.zeros(n_in, n_out, requires_grad=True)


W1, b1 = new_weights(64, 50), torch.zeros(50, requires_grad=True)
W2, b2 = new_weights(50, 10), torch.zeros(10, requires_grad=True)
parameters = [W1, b1, W2, b2]


def network(x):
    hidden = torch.sigmoid(x @ W1 + b1)
    return hidden @ W2 + b2


rate = 0.5
for epoch in range(25):
    for rows in torch.randperm(1400).split(50):
        loss = torch.nn.functional.cross_entropy(network(X[rows]), y[rows])
        for p in parameters:
            p.grad = None
        loss.backward()
        with torch.no_grad():
            for p in parameters:
                p -= rate * p.grad
    if epoch % 4 == 0:
        print("epoch", epoch, "loss", loss.item())
with torch.no_grad():
    print("METRIC", (network(X[1400:]).argmax(1) == y[1400:]).float().mean().item())
