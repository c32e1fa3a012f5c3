import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(int(os.environ.get("SEED", 0)))

# orbits: is the body bound, and how long is its period?
n = 3000
r = 0.5 + 1.5 * torch.rand(n)
speed = 0.2 + 1.6 * torch.rand(n)
angle = (torch.rand(n) - 0.5) * 3.0
energy = 0.5 * speed ** 2 - 1 / r
momentum = r * speed * angle.cos()
kind = (energy > 0).long() + (energy > 0.5).long()
target = momentum + 0.3 * energy
features = torch.stack([r, speed, angle], 1)
features = (features - features.mean(0)) / features.std(0)
target = (target - target.mean()) / target.std() + 0.05 * torch.randn(n)
loader = DataLoader(TensorDataset(features[:2400], kind[:2400], target[:2400]), batch_size=48, shuffle=True)


class Orbit(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(3, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU())
        self.kind = nn.Linear(48, 3)
        self.value = nn.Linear(48, 1)

    def forward(self, x):
        h = self.trunk(x)
        return self.kind(h), self.value(h).squeeze(1)


model = Orbit()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.85)
ce, huber = nn.CrossEntropyLoss(), nn.SmoothL1Loss()
for epoch in range(18):
    a = b = 0.0
    for x, k, v in loader:
        logits, value = model(x)
        loss_k, loss_v = ce(logits, k), huber(value, v)
        optimizer.zero_grad()
        (loss_k + 2.0 * loss_v).backward()
        optimizer.step()
        a, b = a + loss_k.item() / len(loader), b + loss_v.item() / len(loader)
    scheduler.step()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1}: class {a:.4f} value {b:.4f}")

with torch.no_grad():
    logits, value = model(features[2400:])
acc = (logits.argmax(1) == kind[2400:]).float().mean().item()
r2 = 1 - ((value - target[2400:]) ** 2).mean().item() / target[2400:].var().item()
print(f"accuracy {acc:.4f} r2 {r2:.4f}")
print("METRIC", (acc + r2) / 2)
