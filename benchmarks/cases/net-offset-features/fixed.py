import os
import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset
from sklearn.datasets import make_gaussian_quantiles

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)
X, y = make_gaussian_quantiles(n_samples=2000, n_features=4, n_classes=2, random_state=seed)
X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
loader = DataLoader(TensorDataset(X[:1600], y[:1600]), batch_size=32, shuffle=True)


class Thresholded(nn.Linear):
    """Linear units that fire only above a threshold."""

    def __init__(self, n_in, n_out, threshold):
        super().__init__(n_in, n_out)
        nn.init.constant_(self.bias, -threshold)

    def forward(self, x):
        return F.relu(super().forward(x))


THRESHOLD = 0.1
model = nn.Sequential(Thresholded(4, 48, THRESHOLD), Thresholded(48, 48, THRESHOLD), nn.Linear(48, 1), nn.Flatten(0))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    running = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(xb), yb)
        loss.backward()
        optimizer.step()
        running += loss.item() / len(loader)
    with torch.no_grad():
        acc = ((model(X[1600:]) > 0) == (y[1600:] > 0.5)).float().mean().item()
    print(f"epoch {epoch + 1}: {running:.4f} acc {acc:.4f}")
print("METRIC", acc)
