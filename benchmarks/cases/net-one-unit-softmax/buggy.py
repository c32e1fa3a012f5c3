import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.datasets import make_classification
from sklearn.preprocessing import StandardScaler

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)
X, y = make_classification(n_samples=3000, n_features=15, n_informative=7, n_redundant=3, class_sep=1.2,
                           flip_y=0.02, random_state=20 + seed)
X = torch.tensor(StandardScaler().fit_transform(X), dtype=torch.float32)
y = torch.tensor(y, dtype=torch.float32).unsqueeze(1)
train_ds, test_ds = TensorDataset(X[:2400], y[:2400]), TensorDataset(X[2400:], y[2400:])


class Churn(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden1 = nn.Linear(15, 32)
        self.hidden2 = nn.Linear(32, 16)
        self.output = nn.Linear(16, 1)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x):
        x = self.dropout(torch.relu(self.hidden1(x)))
        x = torch.relu(self.hidden2(x))
        return torch.softmax(self.output(x), dim=1)


def evaluate(model, loader):
    model.eval()
    right = total = 0
    with torch.no_grad():
        for xb, yb in loader:
            right += ((model(xb) > 0.5).float() == yb).sum().item()
            total += len(yb)
    return right / total


model = Churn()
criterion = nn.BCELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
train_loader, test_loader = DataLoader(train_ds, 40, shuffle=True), DataLoader(test_ds, 200)
for epoch in range(16):
    model.train()
    total = 0.0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch + 1:2d} loss {total / len(train_loader):.4f} test accuracy {evaluate(model, test_loader):.4f}")
print("METRIC", evaluate(model, test_loader))
