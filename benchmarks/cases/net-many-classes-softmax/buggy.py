import os
import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(int(os.environ.get("SEED", 0)))
KINDS, LENGTH = 40, 48
templates = torch.randn(KINDS, LENGTH).cumsum(1)
templates = (templates - templates.mean(1, keepdim=True)) / templates.std(1, keepdim=True)


def signals(n):
    kind = torch.randint(0, KINDS, (n,))
    shift = torch.randint(0, 5, (n, 1))
    index = (torch.arange(LENGTH) + shift) % LENGTH
    return templates[kind].gather(1, index).unsqueeze(1) + 0.5 * torch.randn(n, 1, LENGTH), kind


x_train, y_train = signals(3000)
x_test, y_test = signals(800)


class SignalNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(1, 16, 7, padding=3)
        self.conv2 = nn.Conv1d(16, 32, 5, padding=2)
        self.fc = nn.Linear(32 * 12, KINDS)

    def forward(self, x):
        x = F.max_pool1d(F.relu(self.conv1(x)), 2)
        x = F.max_pool1d(F.relu(self.conv2(x)), 2)
        return F.softmax(self.fc(x.flatten(1)), dim=1)


model = SignalNet()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(7):
    for x, y in DataLoader(TensorDataset(x_train, y_train), batch_size=50, shuffle=True):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        acc = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch + 1} loss {loss.item():.4f} acc {acc:.4f}")
print("METRIC", acc)
