import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)

features, target = load_breast_cancer(return_X_y=True)
X_tr, X_te, y_tr, y_te = train_test_split(features, target, test_size=0.3, stratify=target, random_state=seed)
scaler = StandardScaler().fit(X_tr)
X_tr, X_te = scaler.transform(X_tr), scaler.transform(X_te)


def tensors(a, b):
    return torch.tensor(a, dtype=torch.float32), torch.tensor(b, dtype=torch.float32)


train_loader = DataLoader(TensorDataset(*tensors(X_tr, y_tr)), batch_size=16, shuffle=True)
test_x, test_y = tensors(X_te, y_te)


class Classifier(nn.Module):
    def __init__(self, n_in, n_hidden):
        super().__init__()
        self.hidden = nn.Linear(n_in, n_hidden)
        self.act = nn.ReLU()
        self.out = nn.Linear(n_hidden, 1)

    def forward(self, x):
        return self.out(self.act(self.hidden(x))).squeeze(-1)


clf = Classifier(30, 16)
optimizer = torch.optim.SGD(clf.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-3)
criterion = nn.BCEWithLogitsLoss()

for epoch in range(12):
    clf.train()
    total = 0.0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(clf(xb), yb)
        loss.backward()
        optimizer.step()
        total += loss.item()
    clf.eval()
    with torch.no_grad():
        logits = clf(test_x)
        test_loss = criterion(logits, test_y).item()
        acc = ((logits > 0).float() == test_y).float().mean().item()
    print(f"Epoch {epoch + 1}: loss {total / len(train_loader):.4f}, test loss {test_loss:.4f}, test acc {acc:.4f}")

print("METRIC", acc)
