import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.datasets import load_digits

torch.manual_seed(int(os.environ.get("SEED", 0)))
bunch = load_digits()
images = torch.tensor(bunch.images * 15.9375).round().to(torch.uint8).unsqueeze(1)
labels = torch.tensor(bunch.target)
order = torch.randperm(len(labels))
train = TensorDataset(images[order[:1400]], labels[order[:1400]])
test_images, test_labels = images[order[1400:]], labels[order[1400:]]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.BatchNorm2d(1)
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 24, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(24 * 4, 10)

    def forward(self, x):
        x = self.scale(x.float())
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        return self.fc(x.flatten(1))


net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(10):
    net.train()
    total = 0.0
    for x, y in DataLoader(train, batch_size=40, shuffle=True):
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() / 35
    net.eval()
    with torch.no_grad():
        acc = (net(test_images).argmax(1) == test_labels).float().mean().item()
    print(f"epoch {epoch + 1} loss {total:.4f} acc {acc:.4f}")
print("METRIC", acc)
