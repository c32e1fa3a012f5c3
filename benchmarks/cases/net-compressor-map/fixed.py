import argparse
import os

import numpy as np
import torch
from torch import nn, optim

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--hidden", type=int, default=48)
parser.add_argument("--batch", type=int, default=64)
args = parser.parse_args()
seed = int(os.environ.get("SEED", 0))
rng = np.random.default_rng(seed)
torch.manual_seed(seed)

flow, speed, inlet = rng.uniform(0.2, 1.0, 3000), rng.uniform(0.5, 1.1, 3000), rng.normal(288, 12, 3000)
ratio = 1 + 2.5 * speed ** 2 * (1 - 1.6 * (flow - 0.6 * speed) ** 2) + 0.4 * np.sin(7 * flow * speed)
ratio *= 288 / inlet
ratio += rng.normal(0, 0.03, 3000)
inputs = np.stack([flow, speed, inlet], axis=1)
inputs = (inputs - inputs.mean(0)) / inputs.std(0)
targets = ((ratio - ratio.mean()) / ratio.std())[:, None]
inputs, targets = torch.as_tensor(inputs, dtype=torch.float32), torch.as_tensor(targets, dtype=torch.float32)
x_train, x_valid, y_train, y_valid = inputs[:2400], inputs[2400:], targets[:2400], targets[2400:]


class Surrogate(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.fc1 = nn.Linear(3, hidden)
        self.bn1 = nn.BatchNorm1d(hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.bn2 = nn.BatchNorm1d(hidden)
        self.fc3 = nn.Linear(hidden, 1)

    def forward(self, x):
        x = torch.relu(self.bn1(self.fc1(x)))
        x = torch.relu(self.bn2(self.fc2(x)))
        return self.fc3(x)


def fit(model, optimizer, scheduler):
    for epoch in range(args.epochs):
        model.train()
        losses = []
        for idx in torch.randperm(len(x_train)).split(args.batch):
            loss = nn.functional.mse_loss(model(x_train[idx]), y_train[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        if epoch % 4 == 3:
            print(f"epoch {epoch + 1} train {np.mean(losses):.4f} valid {validate(model):.4f}")


def validate(model):
    model.eval()
    with torch.no_grad():
        return nn.functional.mse_loss(model(x_valid), y_valid).item()


net = Surrogate(args.hidden)
adam = optim.Adam(net.parameters(), lr=5e-3)
fit(net, adam, optim.lr_scheduler.CosineAnnealingLR(adam, args.epochs))
print("METRIC", 1 - validate(net) / y_valid.var().item())
