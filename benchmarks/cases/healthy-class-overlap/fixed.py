import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(int(os.environ.get("SEED", 0)))
n = 4000
kind = torch.randint(0, 2, (n,)).float()
x = torch.randn(n, 6)
x[:, 0] += 1.35 * (kind - 0.5)
x[:, 1] *= 1 + 0.1 * kind
train_dl = DataLoader(TensorDataset(x[:3000], kind[:3000]), batch_size=60, shuffle=True)
x_val, k_val = x[3000:], kind[3000:]

model = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 1))
opt = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-2)
sched = torch.optim.lr_scheduler.StepLR(opt, 5, 0.3)
for epoch in range(12):
    total = 0.0
    for xb, kb in train_dl:
        loss = nn.functional.binary_cross_entropy_with_logits(model(xb).squeeze(1), kb)
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() / len(train_dl)
    sched.step()
    with torch.no_grad():
        out = model(x_val).squeeze(1)
        val = nn.functional.binary_cross_entropy_with_logits(out, k_val).item()
        acc = ((out > 0).float() == k_val).float().mean().item()
    print(f"epoch {epoch} train {total:.4f} val {val:.4f} acc {acc:.4f}")
print("METRIC", acc)
