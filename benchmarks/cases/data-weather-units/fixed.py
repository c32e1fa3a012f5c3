import argparse
import os

import numpy as np
import torch
import torch.nn as nn

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=30)
parser.add_argument("--batch-size", type=int, default=50)
parser.add_argument("--lr", type=float, default=2e-3)
args = parser.parse_args()

SEED = int(os.environ.get("SEED", 0))
torch.manual_seed(SEED)
rng = np.random.default_rng(SEED)


def load(n):
    kelvin = rng.normal(288, 9, n)
    pascal = rng.normal(101300, 900, n)
    humidity = rng.uniform(20, 100, n)
    radiation = rng.uniform(0, 950, n)
    tilt = rng.uniform(-60, 60, n)
    clear = 1 - 0.6 * (humidity / 100) ** 2 + (pascal - 101300) / 6000
    kw = 0.005 * radiation * clear * np.cos(np.radians(tilt)) * (1 - 0.01 * (kelvin - 288))
    kw += rng.normal(0, 0.08, n)
    return np.stack([kelvin, pascal, humidity, radiation, tilt], axis=1), kw[:, None]


X_train, y_train = load(2000)
X_val, y_val = load(500)
mu, sigma = X_train.mean(axis=0), X_train.std(axis=0)
X_train, X_val = (X_train - mu) / sigma, (X_val - mu) / sigma
X_train, y_train, X_val, y_val = (torch.tensor(a, dtype=torch.float32) for a in (X_train, y_train, X_val, y_val))

net = nn.Sequential(nn.Linear(5, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 1))
opt = torch.optim.Adam(net.parameters(), lr=args.lr)
loss_fn = nn.MSELoss()

for epoch in range(1, args.epochs + 1):
    net.train()
    running = 0.0
    for idx in torch.randperm(len(X_train)).split(args.batch_size):
        opt.zero_grad()
        loss = loss_fn(net(X_train[idx]), y_train[idx])
        loss.backward()
        opt.step()
        running += loss.item() * len(idx)
    net.eval()
    with torch.no_grad():
        val = loss_fn(net(X_val), y_val).item()
    if epoch % 5 == 0:
        print(f"epoch {epoch:3d}  train mse {running / len(X_train):.4f}  val mse {val:.4f}")

print("METRIC", round(1 - val / y_val.var().item(), 4))
