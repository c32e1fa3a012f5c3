import os
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(int(os.environ.get("SEED", 0)))


def rings(n):
    label = torch.randint(0, 4, (n,))
    angle = torch.rand(n) * 2 * torch.pi
    radius = 0.5 + 0.5 * label + 0.08 * torch.randn(n)
    xy = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)
    return torch.cat([xy, torch.randn(n, 2)], dim=1), label


class RingNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 12), nn.ReLU())
        self.classifier = nn.Linear(12, 4)

    def forward(self, x):
        return self.classifier(self.body(x))

    def widen(self, n_in):
        """The first version read two columns; now there are more."""
        self.body = nn.Sequential(nn.Linear(n_in, 12), nn.ReLU(), nn.Linear(12, 12), nn.ReLU())


train_ds, test_ds = TensorDataset(*rings(2000)), TensorDataset(*rings(500))
train_loader = DataLoader(train_ds, batch_size=40, shuffle=True)
test_loader = DataLoader(test_ds, batch_size=250)

model = RingNet()
optimizer = optim.Adam(model.parameters(), lr=6e-3)
model.widen(4)
criterion = nn.CrossEntropyLoss()


def evaluate():
    model.eval()
    loss, right = 0.0, 0
    with torch.no_grad():
        for x, y in test_loader:
            out = model(x)
            loss += criterion(out, y).item() / len(test_loader)
            right += (out.argmax(1) == y).sum().item()
    model.train()
    return loss, right / len(test_ds)


for epoch in range(18):
    total = 0.0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() / len(train_loader)
    test_loss, accuracy = evaluate()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1} train {total:.4f} test {test_loss:.4f} accuracy {accuracy:.4f}")
print("METRIC", accuracy)
