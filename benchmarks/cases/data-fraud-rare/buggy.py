import os
import numpy as np
import torch
from sklearn.metrics import balanced_accuracy_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(os.environ.get("SEED", 0))
rng = np.random.default_rng(seed)
torch.manual_seed(seed)


def payments(n):
    fraud = (rng.random(n) < 0.03).astype(np.float32)
    x = rng.normal(size=(n, 8)).astype(np.float32)
    x[:, 0] += 1.5 * fraud
    x[:, 1] -= 1.4 * fraud
    x[:, 2] = np.where(fraud > 0, x[:, 2] * 1.6 + 0.6, x[:, 2])
    return x, fraud


x_tr, y_tr = payments(5000)
x_te, y_te = payments(3000)
mean, std = x_tr.mean(0), x_tr.std(0)
x_tr, x_te = torch.from_numpy((x_tr - mean) / std), torch.from_numpy((x_te - mean) / std)
y_tr, y_te = torch.from_numpy(y_tr), torch.from_numpy(y_te)
print(f"{int(y_tr.sum())} frauds in {len(y_tr)} payments")

model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1), nn.Flatten(0))
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3, weight_decay=1e-3)
criterion = nn.BCEWithLogitsLoss()
loader = DataLoader(TensorDataset(x_tr, y_tr), batch_size=100, shuffle=True)

for epoch in range(10):
    model.train()
    loss_sum = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        loss_sum += loss.item()
    model.eval()
    with torch.no_grad():
        scores = model(x_te)
        val = criterion(scores, y_te).item()
    balanced = balanced_accuracy_score(y_te.numpy(), (scores > 0).numpy())
    print(f"epoch {epoch} train {loss_sum / len(loader):.4f} test {val:.4f} balanced accuracy {balanced:.4f}")

print("METRIC", balanced)
