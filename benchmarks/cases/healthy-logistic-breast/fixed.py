import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)

data = load_breast_cancer()
x_tr, x_te, y_tr, y_te = train_test_split(data.data, data.target, test_size=0.3, stratify=data.target, random_state=seed)
scaler = StandardScaler()
x_tr = torch.from_numpy(scaler.fit_transform(x_tr)).float()
x_te = torch.from_numpy(scaler.transform(x_te)).float()
y_tr, y_te = torch.from_numpy(y_tr).float(), torch.from_numpy(y_te).float()


class LogisticRegression(nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.linear = nn.Linear(n_features, 1)

    def forward(self, x):
        return torch.sigmoid(self.linear(x)).squeeze(1)


model = LogisticRegression(x_tr.shape[1])
criterion = nn.BCELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-3)
loader = DataLoader(TensorDataset(x_tr, y_tr), batch_size=16, shuffle=True)

for epoch in range(30):
    model.train()
    running = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        running += loss.item()
    model.eval()
    with torch.no_grad():
        p = model(x_te)
        test_loss = criterion(p, y_te).item()
        acc = ((p > 0.5) == (y_te > 0.5)).float().mean().item()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: train {running / len(loader):.4f} test {test_loss:.4f} accuracy {acc:.4f}")
print("METRIC", acc)
