import os

import numpy as np
import torch
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

SEED = int(os.environ.get("SEED", 0))
np.random.seed(SEED)
torch.manual_seed(SEED)

X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=SEED)
x_scaler, y_scaler = StandardScaler().fit(X_train), StandardScaler().fit(y_train[:, None])


def prepare(X, y):
    return (torch.tensor(x_scaler.transform(X), dtype=torch.float32),
            torch.tensor(y_scaler.transform(y[:, None]), dtype=torch.float32))


X_train, y_train = prepare(X_train, y_train)
X_test, y_test = prepare(X_test, y_test)

model = torch.nn.Linear(10, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
loss_fn = torch.nn.MSELoss()

for epoch in range(120):
    permutation = torch.randperm(len(X_train))
    for start in range(0, len(X_train), 32):
        batch = permutation[start:start + 32]
        optimizer.zero_grad()
        loss = loss_fn(model(X_train[batch]), y_train[batch])
        loss.backward()
        optimizer.step()
    if epoch == 80:
        for group in optimizer.param_groups:
            group["lr"] = 0.004
    if (epoch + 1) % 20 == 0:
        with torch.no_grad():
            print(epoch + 1, "train", loss_fn(model(X_train), y_train).item(), "test", loss_fn(model(X_test), y_test).item())

with torch.no_grad():
    residual = (model(X_test) - y_test).pow(2).sum()
    print("METRIC", (1 - residual / (y_test - y_test.mean()).pow(2).sum()).item())
