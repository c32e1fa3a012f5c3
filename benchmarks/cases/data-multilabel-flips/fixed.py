import os
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.metrics import f1_score

SEED = int(os.environ.get("SEED", 0))
torch.manual_seed(SEED)
rng = np.random.default_rng(SEED)
TAGS = ["indoor", "people", "night", "water", "plants"]

n_train, n_test = 1500, 600
n = n_train + n_test
scene = rng.normal(size=(n, 6))
mixing = np.random.default_rng(5).normal(size=(6, 24))
features = np.tanh(scene @ mixing / 2) + 0.2 * rng.normal(size=(n, 24))
reviewed = np.stack([scene[:, 0] > 0, scene[:, 1] + scene[:, 2] > 0, scene[:, 3] > -0.2,
                     np.abs(scene[:, 4]) > 0.7, scene[:, 2] < 0.3], axis=1).astype(np.float32)
contractor = np.abs(reviewed - (rng.random(reviewed.shape) < 0.42)).astype(np.float32)

mean, std = features[:n_train].mean(0), features[:n_train].std(0)
x = torch.tensor((features - mean) / std, dtype=torch.float32)
tags = torch.from_numpy(reviewed)
reviewed = torch.from_numpy(reviewed)
train_dl = DataLoader(TensorDataset(x[:n_train], tags[:n_train]), batch_size=30, shuffle=True)


class Tagger(nn.Module):
    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), nn.Dropout(0.15),
                                      nn.Linear(hidden, hidden), nn.SiLU(), nn.Dropout(0.15))
        self.classifier = nn.Linear(hidden, outputs)

    def forward(self, x):
        return self.classifier(self.features(x))


model = Tagger(24, 48, len(TAGS))
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.02)
criterion = nn.BCEWithLogitsLoss()

for epoch in range(14):
    model.train()
    epoch_loss = 0.0
    for xb, yb in train_dl:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * len(xb)
    model.eval()
    with torch.no_grad():
        logits = model(x[n_train:])
        val_loss = criterion(logits, tags[n_train:]).item()
    f1 = f1_score(reviewed[n_train:].numpy(), (logits > 0).numpy(), average="macro")
    print(f"epoch {epoch:2d} train {epoch_loss / n_train:.4f} val {val_loss:.4f} reviewed f1 {f1:.4f}")

print("METRIC", f1)
