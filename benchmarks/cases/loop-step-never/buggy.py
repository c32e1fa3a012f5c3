import argparse
import os

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset


def get_args():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=25)
    p.add_argument("--batch-size", type=int, default=50)
    p.add_argument("--accumulate", type=int, default=32)
    p.add_argument("--lr", type=float, default=8e-3)
    return p.parse_args()


class Springs(Dataset):
    def __init__(self, size, generator):
        mass, stiffness, damping, time = torch.rand(4, size, generator=generator)
        omega = torch.sqrt((stiffness + 0.5) / (mass + 0.5))
        self.y = torch.exp(-damping * 2 * time) * torch.cos(3 * omega * time)
        self.x = (torch.stack([mass, stiffness, damping, time], 1) - 0.5) * 3.4

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


def build():
    return nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1), nn.Flatten(0))


def main():
    args = get_args()
    seed = int(os.environ.get("SEED", 0))
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed + 100)
    train_loader = DataLoader(Springs(1200, generator), batch_size=args.batch_size, shuffle=True)
    val_set = Springs(400, generator)
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for i, (x, y) in enumerate(train_loader):
            loss = F.mse_loss(model(x), y)
            (loss / args.accumulate).backward()
            total += loss.item()
            if (i + 1) % args.accumulate == 0:
                optimizer.step()
                optimizer.zero_grad()
        model.eval()
        with torch.no_grad():
            val = F.mse_loss(model(val_set.x), val_set.y).item()
        if (epoch + 1) % 5 == 0:
            print(f"epoch {epoch + 1}: train {total / len(train_loader):.5f} val {val:.5f}")
    print("METRIC", 1 - val / val_set.y.var().item())


if __name__ == "__main__":
    main()
