import os
import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(int(os.environ.get("SEED", 0)))


def get_data(n):
    x = torch.randn(n, 6)
    y = x[:, 0] * torch.sigmoid(2 * x[:, 1]) + 0.6 * torch.cos(1.5 * x[:, 2]) - 0.3 * x[:, 3]
    return x, (y + 0.05 * torch.randn(n)).unsqueeze(1)


def get_optimizer(model):
    return optim.Adam(model.parameters(), lr=0.01, betas=(0.9, 0.999))


x_train, y_train = get_data(1800)
x_val, y_val = get_data(500)
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=36, shuffle=True)
model = nn.Sequential(nn.Linear(6, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
loss_function = nn.MSELoss()
optimizer = get_optimizer(model)
scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=6, gamma=0.3)

for epoch in range(18):
    model.train()
    running = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        running += loss.item()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        val = loss_function(model(x_val), y_val).item()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1} train {running / len(loader):.4f} val {val:.4f}")

print("METRIC", 1 - val / y_val.var().item())
