import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.datasets import make_classification
from sklearn.preprocessing import StandardScaler

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)

X, y = make_classification(n_samples=2600, n_features=14, n_informative=10, n_redundant=0, n_classes=4,
                           n_clusters_per_class=2, class_sep=1.7, flip_y=0.0, random_state=4)
order = torch.randperm(len(X)).numpy()
X, y = X[order], y[order]
scaler = StandardScaler().fit(X[:2000])
X = torch.tensor(scaler.transform(X), dtype=torch.float32)
y = torch.tensor(y)
loader = DataLoader(TensorDataset(X[:2000], y[:2000]), batch_size=40, shuffle=True)


class MLP(nn.Module):
    def __init__(self, *sizes):
        super().__init__()
        layers = []
        for n_in, n_out in zip(sizes[:-2], sizes[1:-1]):
            layers.extend([nn.Linear(n_in, n_out), nn.ReLU()])
        self.net = nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))

    def forward(self, x):
        return self.net(x)


model = MLP(14, 64, 32, 4)
optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, weight_decay=5e-3)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
criterion = nn.CrossEntropyLoss()

for epoch in range(18):
    model.train()
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        train_loss = criterion(model(X[:2000]), y[:2000]).item()
        out = model(X[2000:])
        val_loss = criterion(out, y[2000:]).item()
        val_acc = (out.argmax(1) == y[2000:]).float().mean().item()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1}: train {train_loss:.3f} val {val_loss:.3f} val acc {val_acc:.3f}")

print("METRIC", val_acc)
