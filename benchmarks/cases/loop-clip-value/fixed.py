import argparse
import os

import torch
from sklearn.datasets import load_iris, load_wine
from sklearn.model_selection import train_test_split
from torch import nn

ap = argparse.ArgumentParser()
ap.add_argument("--dataset", choices=["wine", "iris"], default="wine")
ap.add_argument("--clip", type=float, default=0.5)
ap.add_argument("--epochs", type=int, default=40)
opts = ap.parse_args()

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)
X, y = (load_wine if opts.dataset == "wine" else load_iris)(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.35, stratify=y, random_state=seed)
centre, spread = X_train.mean(axis=0), X_train.std(axis=0)


def prepare(a, b):
    return torch.tensor((a - centre) / spread, dtype=torch.float32), torch.tensor(b, dtype=torch.long)


X_train, y_train = prepare(X_train, y_train)
X_test, y_test = prepare(X_test, y_test)
model = nn.Sequential(nn.Linear(X_train.shape[1], 12), nn.ReLU(), nn.Linear(12, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=0.02)
loss_fn = nn.CrossEntropyLoss()

for epoch in range(opts.epochs):
    epoch_loss = 0.0
    for batch in torch.randperm(len(X_train)).split(16):
        optimizer.zero_grad(set_to_none=True)
        loss = loss_fn(model(X_train[batch]), y_train[batch])
        loss.backward()
        nn.utils.clip_grad_value_(model.parameters(), opts.clip)
        optimizer.step()
        epoch_loss += loss.item() * len(batch) / len(X_train)
    if epoch % 10 == 9:
        with torch.no_grad():
            logits = model(X_test)
            test_loss = loss_fn(logits, y_test).item()
        print(f"epoch {epoch + 1} loss {epoch_loss:.4f} test {test_loss:.4f}")

with torch.no_grad():
    print("METRIC", (model(X_test).argmax(1) == y_test).float().mean().item())
