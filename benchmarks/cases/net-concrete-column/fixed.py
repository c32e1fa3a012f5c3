import os
import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

seed = int(os.environ.get("SEED", 0))
rng = np.random.default_rng(seed)
torch.manual_seed(seed)
n = 1600
cement, water, slag, age = rng.uniform(150, 500, n), rng.uniform(130, 240, n), rng.uniform(0, 200, n), rng.integers(3, 180, n)
strength = 18 * (cement + 0.5 * slag) / water * np.log1p(age) / np.log(90) + rng.normal(0, 2.0, n)
X = np.stack([cement, water, slag, np.log(age)], axis=1)
X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
y = torch.tensor((strength - strength.mean()) / strength.std(), dtype=torch.float32)
X_train, X_test, y_train, y_test = X[:1280], X[1280:], y[:1280], y[1280:]
y_train = y_train.unsqueeze(1)
loader = DataLoader(TensorDataset(X_train, y_train), batch_size=32, shuffle=True)

model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
criterion = nn.HuberLoss()
optimizer = optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(18):
    running_loss = 0.0
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    if epoch % 3 == 2:
        print("epoch %d loss %.4f" % (epoch + 1, running_loss / len(loader)))

with torch.no_grad():
    predicted = model(X_test).squeeze(1)
print("METRIC", float(1 - ((predicted - y_test) ** 2).mean() / y_test.var()))
