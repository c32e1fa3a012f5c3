import os
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(int(os.environ.get("SEED", 0)))

n_train, n_val = 400, 1000
X = torch.randn(n_train + n_val, 30)
score = X[:, 0] + X[:, 1] * 0.8 - X[:, 2] * 0.8 + 0.7 * X[:, 3] - 0.7 * X[:, 4]
y = (score + 1.0 * torch.randn(len(X)) > 0).float().unsqueeze(1)
train_loader = DataLoader(TensorDataset(X[:n_train], y[:n_train]), batch_size=25, shuffle=True)
val_X, val_y = X[n_train:], y[n_train:]


class Net(nn.Module):
    def __init__(self, p=0.7):
        super().__init__()
        self.fc1 = nn.Linear(30, 48)
        self.fc2 = nn.Linear(48, 48)
        self.fc3 = nn.Linear(48, 1)
        self.dropout = nn.Dropout(p)

    def forward(self, x):
        x = self.dropout(torch.relu(self.fc1(x)))
        x = self.dropout(torch.relu(self.fc2(x)))
        return self.fc3(x)


def validate(model, criterion):
    model.eval()
    with torch.no_grad():
        out = model(val_X)
    return criterion(out, val_y).item(), ((out > 0) == (val_y > 0.5)).float().mean().item()


model = Net()
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=3e-3)

model.train()
for epoch in range(21):
    train_loss = 0.0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() / len(train_loader)
    val_loss, val_acc = validate(model, criterion)
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1}: train {train_loss:.3f} val {val_loss:.3f} acc {val_acc:.3f}")

print("METRIC", -val_loss)
