import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(int(os.environ.get("SEED", 0)))


def reactor(n):
    x = torch.rand(n, 5) * 2 - 1
    y = torch.exp(-2 * (x[:, 0] ** 2 + x[:, 1] ** 2)) * 2 + x[:, 2] * x[:, 3] + 0.3 * x[:, 4]
    return x * 1.73, (y + 0.05 * torch.randn(n) - 0.7).unsqueeze(1)


def make_model(depth=12, width=24):
    layers, size = [], 5
    for _ in range(depth):
        layers += [nn.Linear(size, width, bias=False), nn.BatchNorm1d(width), nn.ReLU()]
        size = width
    return nn.Sequential(*layers, nn.Linear(size, 1))


train_ds, val_ds = TensorDataset(*reactor(2500)), TensorDataset(*reactor(600))
train_dl = DataLoader(train_ds, batch_size=50, shuffle=True)
val_dl = DataLoader(val_ds, batch_size=300)
model = make_model()
opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
epochs = 12
sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.05, total_steps=epochs * len(train_dl))
mse = nn.MSELoss()
for epoch in range(epochs):
    model.train()
    for x, y in train_dl:
        loss = mse(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
    model.eval()
    with torch.no_grad():
        val = sum(mse(model(x), y).item() for x, y in val_dl) / len(val_dl)
    print(f"epoch {epoch:2d} train {loss.item():.4f} val {val:.4f} lr {sched.get_last_lr()[0]:.4f}")
print("METRIC", 1 - val / val_ds.tensors[1].var().item())
