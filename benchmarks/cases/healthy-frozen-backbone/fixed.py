import os

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(int(os.environ.get("SEED", 0)))

digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1)
images = (images - 4.88) / 6.02
labels = torch.tensor(digits.target)
order = torch.randperm(len(labels))
images, labels = images[order], labels[order]


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        )

    def forward(self, x):
        return self.layers(x)


def accuracy(backbone, head, x, y):
    with torch.no_grad():
        return (head(backbone(x)).argmax(1) == y).float().mean().item()


# source task: the first six digits
source = labels < 6
x_source, y_source = images[source], labels[source]
backbone, head = Backbone(), nn.Linear(128, 6)
optimizer = torch.optim.Adam([*backbone.parameters(), *head.parameters()], lr=2e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(5):
    backbone.train()
    for x, y in DataLoader(TensorDataset(x_source, y_source), batch_size=32, shuffle=True):
        optimizer.zero_grad()
        criterion(head(backbone(x)), y).backward()
        optimizer.step()
print("source accuracy", accuracy(backbone.eval(), head, x_source, y_source))

# target task: the last four, with the backbone frozen
for p in backbone.parameters():
    p.requires_grad = False
backbone.eval()
target = labels >= 6
x_target, y_target = images[target], labels[target] - 6
x_train, y_train, x_test, y_test = x_target[:450], y_target[:450], x_target[450:], y_target[450:]
head = nn.Linear(128, 4)
optimizer = torch.optim.Adam(head.parameters(), lr=5e-3)
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True)
for epoch in range(15):
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(head(backbone(x)), y)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f} train {accuracy(backbone, head, x_train, y_train):.4f} "
          f"test {accuracy(backbone, head, x_test, y_test):.4f}")
print("METRIC", accuracy(backbone, head, x_test, y_test))
