import os
import numpy as np
import torch
from sklearn.preprocessing import StandardScaler
from torch import nn

seed = int(os.environ.get("SEED", 0))
rng = np.random.default_rng(seed)
torch.manual_seed(seed)
DEGREE = 9


def spectrum(t):
    return np.sin(4 * t) + 0.6 * np.cos(6 * t)


t = rng.uniform(-1, 1, 1600)
columns = np.stack([t ** k for k in range(1, DEGREE + 1)], axis=1)
target = spectrum(t) + rng.normal(0, 0.05, 1600)
scaler = StandardScaler().fit(columns[:1300])
X = torch.tensor(scaler.transform(columns), dtype=torch.float32)
y = torch.tensor(target, dtype=torch.float32)[:, None]
X_train, y_train, X_val, y_val = X[:1300], y[:1300], X[1300:], y[1300:]

model = nn.Linear(DEGREE, 1)
mse = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)


def closure():
    optimizer.zero_grad()
    loss = mse(model(X_train), y_train)
    loss.backward()
    return loss


for step in range(80):
    loss = optimizer.step(closure)
    if step % 10 == 9:
        with torch.no_grad():
            val = mse(model(X_val), y_val).item()
        print("step", step + 1, "train", round(loss.item(), 5), "val", round(val, 5))

print("METRIC", 1 - val / y_val.var().item())
