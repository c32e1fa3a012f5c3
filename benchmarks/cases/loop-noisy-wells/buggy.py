import os
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(os.environ.get("SEED", 0))
rng = np.random.default_rng(seed)
torch.manual_seed(seed)


def wells(n):
    logs = rng.normal(size=(n, 8))
    porosity = 0.9 * logs[:, 0] - 0.6 * logs[:, 1] + 0.5 * np.tanh(2 * logs[:, 2]) + rng.normal(0, 0.6, n)
    return torch.tensor(logs, dtype=torch.float32), torch.tensor(porosity, dtype=torch.float32).unsqueeze(1)


x_train, y_train = wells(160)
x_val, y_val = wells(400)
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=16, shuffle=True)


class WellNet(nn.Module):
    def __init__(self, width, depth, dropout):
        super().__init__()
        sizes = [8] + [width] * depth
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        for layer in self.hidden:
            x = self.dropout(torch.relu(layer(x)))
        return self.out(x)


model = WellNet(width=128, depth=3, dropout=0.0)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
mse = nn.MSELoss()
for epoch in range(50):
    model.train()
    train_loss = 0.0
    for x, y in loader:
        loss = mse(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        train_loss += loss.item() / len(loader)
    model.eval()
    with torch.no_grad():
        val_loss = mse(model(x_val), y_val).item()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: train {train_loss:.4f} val {val_loss:.4f}")
print("METRIC", 1 - val_loss / y_val.var().item())
