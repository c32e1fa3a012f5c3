import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split
from sklearn.datasets import make_friedman1

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)

config = {
    "hidden": 64,
    "lr": 2e-3,
    "epochs": 30,
    "batch_size": 4096,
}

X, y = make_friedman1(n_samples=3000, n_features=8, noise=0.5, random_state=seed)
X = (torch.tensor(X, dtype=torch.float32) - 0.5) * 3.46
y = torch.tensor(y, dtype=torch.float32).unsqueeze(1)
y = (y - y.mean()) / y.std()
train_set, val_set = random_split(TensorDataset(X, y), [2400, 600])
train_loader = DataLoader(train_set, batch_size=config["batch_size"], shuffle=True)
val_loader = DataLoader(val_set, batch_size=config["batch_size"])

model = nn.Sequential(
    nn.Linear(8, config["hidden"]),
    nn.ReLU(),
    nn.Linear(config["hidden"], config["hidden"]),
    nn.ReLU(),
    nn.Linear(config["hidden"], 1),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=config["lr"], weight_decay=0.01)
loss_fn = nn.MSELoss()


def train_one_epoch():
    model.train()
    total = 0.0
    for xb, yb in train_loader:
        loss = loss_fn(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(xb)
    return total / len(train_set)


@torch.no_grad()
def validate():
    model.eval()
    return sum(loss_fn(model(xb), yb).item() * len(xb) for xb, yb in val_loader) / len(val_set)


history = {"train": [], "val": []}
for epoch in range(config["epochs"]):
    history["train"].append(train_one_epoch())
    history["val"].append(validate())
    if epoch % 5 == 4:
        print({k: round(v[-1], 4) for k, v in history.items()})

targets = torch.cat([yb for _, yb in val_loader])
print("METRIC", 1 - history["val"][-1] / targets.var().item())
