import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(int(os.environ.get("SEED", 0)))

n = 3500
fault = torch.rand(n) < 0.06
signal = torch.randn(n, 6)
signal[fault, 1] += 4.0
signal[fault, 4] -= 4.0
data = TensorDataset(signal, fault.long())
train_set, val_set = random_split(data, [2700, 800])
model = nn.Sequential(nn.LayerNorm(6), nn.Linear(6, 16), nn.GELU(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
train_loader = DataLoader(train_set, batch_size=45, shuffle=True)
val_x, val_y = data[val_set.indices]

for epoch in range(10):
    model.train()
    losses = torch.zeros(len(train_loader))
    for k, (x, y) in enumerate(train_loader):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses[k] = loss.item()
    model.eval()
    with torch.no_grad():
        out = model(val_x)
        val_loss = nn.functional.cross_entropy(out, val_y).item()
    found = out.argmax(1)
    recalls = [(found[val_y == c] == c).float().mean().item() for c in (0, 1)]
    print(f"epoch {epoch} train {losses.mean():.4f} val {val_loss:.4f} recall good {recalls[0]:.3f} fault {recalls[1]:.3f}")
print("METRIC", sum(recalls) / 2)
