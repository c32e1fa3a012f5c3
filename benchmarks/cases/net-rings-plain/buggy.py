import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.datasets import make_circles
from sklearn.model_selection import train_test_split

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)

X, y = make_circles(n_samples=2000, noise=0.1, factor=0.45, random_state=seed)
X = X / X.std(axis=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=seed)
as_float = lambda a: torch.tensor(a, dtype=torch.float32)
train_loader = DataLoader(TensorDataset(as_float(X_train), as_float(y_train)), batch_size=30, shuffle=True)
X_test, y_test = as_float(X_test), as_float(y_test)


class RingNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer_1 = nn.Linear(2, 16)
        self.layer_2 = nn.Linear(16, 16)
        self.layer_3 = nn.Linear(16, 1)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.layer_3(self.layer_2(self.layer_1(x)))


model = RingNet()
loss_fn = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

for epoch in range(15):
    model.train()
    for xb, yb in train_loader:
        logits = model(xb).squeeze()
        loss = loss_fn(logits, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.inference_mode():
        test_logits = model(X_test).squeeze()
        test_loss = loss_fn(test_logits, y_test)
        test_acc = (torch.round(torch.sigmoid(test_logits)) == y_test).float().mean().item()
    print(f"Epoch: {epoch} | Loss: {loss:.5f} | Test loss: {test_loss:.5f}, Test acc: {test_acc:.4f}")
print("METRIC", test_acc)
