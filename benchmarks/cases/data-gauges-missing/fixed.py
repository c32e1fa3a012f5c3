import os

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

# gauge readings; a gauge that does not answer is written as NaN
n = 2400
state = rng.integers(0, 4, n)
levels = np.random.default_rng(3).normal(0, 1.3, (4, 10))
gauges = levels[state] + rng.normal(0, 0.8, (n, 10))
gauges[rng.random(gauges.shape) < 0.02] = np.nan

train_x, test_x, train_y, test_y = train_test_split(gauges, state, test_size=0.25, random_state=seed)
mean, std = np.nanmean(train_x, axis=0), np.nanstd(train_x, axis=0)
train_x, test_x = (train_x - mean) / std, (test_x - mean) / std
train_x, test_x = np.nan_to_num(train_x, nan=0.0), np.nan_to_num(test_x, nan=0.0)

to32 = lambda a: torch.tensor(a, dtype=torch.float32)
train_loader = DataLoader(TensorDataset(to32(train_x), torch.tensor(train_y)), batch_size=32, shuffle=True)
test_loader = DataLoader(TensorDataset(to32(test_x), torch.tensor(test_y)), batch_size=200)

model = nn.Sequential()
model.add_module("fc1", nn.Linear(10, 40))
model.add_module("act1", nn.LeakyReLU(0.1))
model.add_module("drop", nn.Dropout(0.1))
model.add_module("fc2", nn.Linear(40, 4))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(8):
    model.train()
    for inputs, targets in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()

    model.eval()
    correct, val_loss = 0, 0.0
    with torch.no_grad():
        for inputs, targets in test_loader:
            outputs = model(inputs)
            val_loss += criterion(outputs, targets).item() * len(targets)
            correct += (outputs.argmax(1) == targets).sum().item()
    print(f"epoch {epoch} | train loss {loss.item():.4f} | test loss {val_loss / 600:.4f} | acc {correct / 600:.4f}")

print("METRIC", correct / 600)
