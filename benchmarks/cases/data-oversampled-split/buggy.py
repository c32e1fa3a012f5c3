import os
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split

seed = int(os.environ.get("SEED", 0))
np.random.seed(seed)
torch.manual_seed(seed)


def patients(n, rare):
    ill = np.random.rand(n) < rare
    x = np.random.randn(n, 20)
    x[:, :4] += 1.2 * ill[:, None]
    return x, ill.astype(np.int64)


def oversample(x, y):
    rare = np.flatnonzero(y == 1)
    extra = np.random.choice(rare, (y == 0).sum() - len(rare))
    return np.concatenate([x, x[extra]]), np.concatenate([y, y[extra]])


X, y = patients(1200, rare=0.15)
fresh_x, fresh_y = patients(1500, rare=0.5)

X, y = oversample(X, y)
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)

as_x = lambda a: torch.tensor(a, dtype=torch.float32)
loader = DataLoader(TensorDataset(as_x(X_train), torch.tensor(y_train)), batch_size=40, shuffle=True)

model = nn.Sequential(nn.Linear(20, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
EPOCHS = 20
loss_fn = nn.CrossEntropyLoss()


def predict(x):
    model.eval()
    with torch.no_grad():
        return model(as_x(x))


for epoch in range(EPOCHS):
    model.train()
    losses = []
    for xb, yb in loader:
        loss = loss_fn(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    out = predict(X_val)
    val_loss = loss_fn(out, torch.tensor(y_val)).item()
    val_acc = balanced_accuracy_score(y_val, out.argmax(1).numpy())
    print(f"epoch {epoch:2d} train {np.mean(losses):.4f} val {val_loss:.4f} val accuracy {val_acc:.4f}")

fresh_acc = balanced_accuracy_score(fresh_y, predict(fresh_x).argmax(1).numpy())
print(f"fresh patients {fresh_acc:.4f}")
print("METRIC", 1 - abs(val_acc - fresh_acc))
