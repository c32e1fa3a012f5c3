import argparse
import os

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--lr", type=float, default=3e-3)
parser.add_argument("--batch-size", type=int, default=32)
parser.add_argument("--smoothing", type=float, default=0.1)
args = parser.parse_args()

torch.manual_seed(int(os.environ.get("SEED", 0)))
bunch = load_digits()
images = torch.tensor(bunch.images, dtype=torch.float32).div(16).sub(0.305).div(0.376).unsqueeze(1)
dataset = TensorDataset(images, torch.tensor(bunch.target))
train_set, test_set = random_split(dataset, [1450, len(dataset) - 1450])
train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True)
test_loader = DataLoader(test_set, batch_size=256)

model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),
    nn.Conv2d(16, 24, 3, padding=1, stride=2), nn.ReLU(),
    nn.Flatten(), nn.Dropout(0.25),
    nn.Linear(24 * 16, 10),
)
criterion = nn.CrossEntropyLoss(label_smoothing=args.smoothing)
optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs * len(train_loader))

for epoch in range(args.epochs):
    model.train()
    for images, targets in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(images), targets)
        loss.backward()
        optimizer.step()
        scheduler.step()
    model.eval()
    hits = 0
    with torch.no_grad():
        for images, targets in test_loader:
            hits += (model(images).argmax(1) == targets).sum().item()
    print(f"epoch {epoch + 1}/{args.epochs} loss {loss.item():.4f} accuracy {hits / len(test_set):.4f}")
print("METRIC", hits / len(test_set))
