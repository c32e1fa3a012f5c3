import os
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset

SEED = int(os.environ.get("SEED", 0))
torch.manual_seed(SEED)
np.random.seed(SEED)


class DigitFolder(Dataset):
    """Reads one class after another, like the folders on disk."""

    def __init__(self, train):
        bunch = load_digits()
        self.samples = []
        for digit in range(10):
            images = bunch.images[bunch.target == digit]
            for k, image in enumerate(images):
                if (k % 5 != 0) == train:
                    self.samples.append(((image.astype(np.float32) - 4.9) / 6.0, digit))

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        image, digit = self.samples[index]
        return torch.from_numpy(image)[None], digit


train_loader = DataLoader(DigitFolder(train=True), batch_size=32)
test_loader = DataLoader(DigitFolder(train=False), batch_size=120)

model = nn.Sequential(
    nn.Conv2d(1, 12, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(12, 24, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(96, 10),
)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.5)

for epoch in range(10):
    model.train()
    running_loss = 0.0
    for images, labels in train_loader:
        optimizer.zero_grad()
        outputs = model(images)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()

    model.eval()
    correct = total = 0
    test_loss = 0.0
    with torch.no_grad():
        for images, labels in test_loader:
            outputs = model(images)
            test_loss += criterion(outputs, labels).item() * len(labels)
            correct += (outputs.argmax(1) == labels).sum().item()
            total += len(labels)
    print("[%d] loss: %.3f test loss: %.3f test acc: %.3f"
          % (epoch + 1, running_loss / len(train_loader), test_loss / total, correct / total))

print("METRIC", correct / total)
