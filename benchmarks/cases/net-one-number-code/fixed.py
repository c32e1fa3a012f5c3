import argparse
import os
import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--code", type=int, default=6)
parser.add_argument("--epochs", type=int, default=25)
args = parser.parse_args()
torch.manual_seed(int(os.environ.get("SEED", 0)))


def waves(n, length=32):
    t = torch.linspace(0, 1, length)
    a, b = torch.randn(2, n, 1)
    phase = 6.28 * torch.rand(n, 1)
    return a * torch.sin(6.28 * t + phase) + b * torch.cos(12.57 * t) + torch.randn(n, 1) * t + 0.05 * torch.randn(n, length)


train, test = waves(1500), waves(400)
mean, std = train.mean(), train.std()
train, test = (train - mean) / std, (test - mean) / std
encoder = nn.Sequential(nn.Linear(32, 48), nn.ReLU(), nn.Linear(48, args.code))
decoder = nn.Sequential(nn.Linear(args.code, 48), nn.ReLU(), nn.Linear(48, 32))
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=4e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs)
for epoch in range(args.epochs):
    total = 0.0
    for batch in train[torch.randperm(len(train))].split(50):
        loss = nn.functional.mse_loss(decoder(encoder(batch)), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() / 30
    scheduler.step()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1} reconstruction {total:.4f}")
with torch.no_grad():
    left = nn.functional.mse_loss(decoder(encoder(test)), test) / test.var()
print("METRIC", 1 - left.item())
