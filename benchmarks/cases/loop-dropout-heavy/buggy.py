import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.datasets import fetch_california_housing, make_friedman3
from sklearn.preprocessing import QuantileTransformer, StandardScaler

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)


def load(name="friedman3"):
    if name == "housing":
        return fetch_california_housing(return_X_y=True)
    return make_friedman3(n_samples=2200, noise=0.05, random_state=seed)


X, y = load()
train, val = slice(0, 1700), slice(1700, None)
columns = StandardScaler().fit(X[train])
spread = QuantileTransformer(n_quantiles=200, output_distribution="normal", random_state=0).fit(y[train, None])
X = torch.tensor(columns.transform(X), dtype=torch.float32)
y = torch.tensor(spread.transform(y[:, None]), dtype=torch.float32).clamp(-3, 3)

DROP = 0.9


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp = nn.Linear(4, 64)
        self.mid = nn.Linear(64, 64)
        self.out = nn.Linear(64, 1)
        self.drop1, self.drop2 = nn.Dropout(DROP), nn.Dropout(DROP)

    def forward(self, x):
        x = self.drop1(torch.relu(self.inp(x)))
        x = self.drop2(torch.relu(self.mid(x)))
        return self.out(x)


model = Regressor()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
loss_fn = nn.MSELoss()
loader = DataLoader(TensorDataset(X[train], y[train]), batch_size=50, shuffle=True)
for epoch in range(20):
    model.train()
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = loss_fn(model(xb), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        train_loss = loss_fn(model(X[train]), y[train]).item()
        val_loss = loss_fn(model(X[val]), y[val]).item()
    if epoch % 4 == 3:
        print(f"epoch {epoch + 1}: train {train_loss:.4f} val {val_loss:.4f}")
print("METRIC", 1 - val_loss / y[val].var().item())
