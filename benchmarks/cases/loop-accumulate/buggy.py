import os

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)
ACCUMULATE = 4

data, target = load_digits(return_X_y=True)
x_train, x_val, y_train, y_val = train_test_split(data, target, test_size=0.25, stratify=target, random_state=seed)
mean = x_train.mean(axis=0)
scale = x_train.std() + 1e-8


def dataset(x, y):
    return TensorDataset(torch.tensor((x - mean) / scale, dtype=torch.float32), torch.tensor(y))


train_loader = DataLoader(dataset(x_train, y_train), batch_size=8, shuffle=True, drop_last=True)
val_loader = DataLoader(dataset(x_val, y_val), batch_size=150)

model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
criterion = nn.CrossEntropyLoss()

for epoch in range(10):
    model.train()
    running = 0.0
    optimizer.zero_grad()
    for step, (x, y) in enumerate(train_loader, start=1):
        loss = criterion(model(x), y) / ACCUMULATE
        loss.backward()
        running += loss.item() * ACCUMULATE
        if step % ACCUMULATE == 0:
            optimizer.step()

    model.eval()
    val_loss, correct, count = 0.0, 0, 0
    with torch.no_grad():
        for x, y in val_loader:
            logits = model(x)
            val_loss += criterion(logits, y).item() * len(y)
            correct += (logits.argmax(dim=-1) == y).sum().item()
            count += len(y)
    print(f"epoch {epoch:2d}  train {running / len(train_loader):.4f}  val {val_loss / count:.4f}  acc {correct / count:.4f}")

print("METRIC", correct / count)
