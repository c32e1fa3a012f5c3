import os
import math
import torch
import torch.nn as nn
import torch.optim as optim

torch.manual_seed(int(os.environ.get("SEED", 0)))
MAX_ANGLE = 35.0


def drive(n):
    left, front, right = torch.rand(n, 3).unbind(1)
    speed = torch.rand(n)
    turn = torch.tanh(3 * (right - left)) * (1.2 - front) / (0.6 + speed)
    angle = MAX_ANGLE * 0.8 * torch.tanh(turn) + torch.randn(n)
    sensors = torch.stack([left, front, right, speed], 1)
    return (sensors - 0.5) * math.sqrt(12), angle.clamp(-34.5, 34.5).unsqueeze(1)


class Driver(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(4, 32), nn.Linear(32, 32)])
        self.steer = nn.Linear(32, 1)

    def forward(self, x):
        for layer in self.layers:
            x = torch.relu(layer(x))
        return torch.tanh(self.steer(x))


def train(model, data, epochs=25, bs=32):
    x, y = data
    opt = optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(epochs):
        total = 0.0
        for idx in torch.randperm(len(x)).split(bs):
            loss = nn.functional.mse_loss(model(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        if epoch % 4 == 0:
            print("epoch", epoch, "loss", total * bs / len(x))


def r2(model, data):
    x, y = data
    with torch.no_grad():
        rest = (model(x) - y).pow(2).sum()
    return (1 - rest / (y - y.mean()).pow(2).sum()).item()


train_data, test_data = drive(1600), drive(500)
train_data = (train_data[0], train_data[1] / MAX_ANGLE)
test_data = (test_data[0], test_data[1] / MAX_ANGLE)
model = Driver()
train(model, train_data)
print("METRIC", r2(model, test_data))
