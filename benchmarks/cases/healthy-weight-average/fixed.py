import copy
import os

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

torch.manual_seed(int(os.environ.get("SEED", 0)))


def torque(n):
    rpm, load, heat = torch.rand(3, n) * 2 - 1
    y = torch.exp(-((rpm - 0.2 * load) ** 2) * 3) * (1 + 0.5 * load) - 0.2 * torch.relu(heat)
    x = torch.stack([rpm, load, heat], dim=1) * 1.73
    y = (y + 0.02 * torch.randn(n) - 0.45) / 0.38
    return x, y.unsqueeze(1)


x_train, y_train = torque(2000)
x_val, y_val = torque(400)
x_test, y_test = torque(600)
model = nn.Sequential(nn.Linear(3, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
averaged = AveragedModel(model)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=10, eta_min=2e-4)
mse = nn.MSELoss()
best, best_state = float("inf"), None
EPOCHS = 30


def evaluate(net, x, y):
    net.eval()
    with torch.no_grad():
        return mse(net(x), y).item()


for epoch in range(EPOCHS):
    model.train()
    batches = torch.randperm(len(x_train)).split(50)
    for i, idx in enumerate(batches):
        optimizer.zero_grad()
        loss = mse(model(x_train[idx]), y_train[idx])
        loss.backward()
        optimizer.step()
        scheduler.step(epoch + i / len(batches))
    if epoch % 10 == 9:
        averaged.update_parameters(model)
    val = evaluate(model, x_val, y_val)
    if val < best:
        best, best_state = val, copy.deepcopy(model.state_dict())
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1} train {loss.item():.5f} val {val:.5f} best {best:.5f}")

model.load_state_dict(best_state)
print(f"test: best weights {evaluate(model, x_test, y_test):.5f}, average {evaluate(averaged, x_test, y_test):.5f}")
print("METRIC", 1 - evaluate(model, x_test, y_test) / y_test.var().item())
