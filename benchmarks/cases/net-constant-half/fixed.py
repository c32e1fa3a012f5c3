import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.datasets import make_friedman1

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)
X, y = make_friedman1(n_samples=1800, n_features=5, noise=0.4, random_state=seed)
X = torch.tensor((X - 0.5) * 3.4, dtype=torch.float32)
y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32).unsqueeze(1)
loader = DataLoader(TensorDataset(X[:1400], y[:1400]), batch_size=35, shuffle=True)


def init_weights(m):
    if isinstance(m, nn.Linear):
        nn.init.kaiming_normal_(m.weight)
        m.bias.data.fill_(0.01)


net = nn.Sequential(nn.Linear(5, 30), nn.ReLU(), nn.Linear(30, 30), nn.ReLU(), nn.Linear(30, 1))
net.apply(init_weights)
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
loss_fn = nn.MSELoss()
for epoch in range(18):
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = loss_fn(net(xb), yb)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        test = loss_fn(net(X[1400:]), y[1400:]).item()
    if epoch % 3 == 2:
        print(f"{epoch + 1:3d} batch {loss.item():.4f} test {test:.4f}")
print("METRIC", 1 - test / y[1400:].var().item())
