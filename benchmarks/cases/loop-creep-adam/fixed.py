import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(int(os.environ.get("SEED", 0)))


def pendulum(n):
    angle = torch.rand(n) * 4 - 2
    speed = torch.randn(n)
    length = torch.rand(n) + 0.5
    energy = 0.5 * (length * speed) ** 2 + length * (1 - torch.cos(angle)) * 2
    pull = -torch.sin(angle) / length
    inputs = torch.stack([angle, speed, (length - 1) * 3.5], dim=1)
    return inputs, energy / 1.3 - 1.0, pull


train_set = TensorDataset(*pendulum(2000))
val_x, val_energy, val_pull = pendulum(500)
loader = DataLoader(train_set, batch_size=50, shuffle=True)


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(3, 64), nn.ELU(), nn.Linear(64, 64), nn.ELU())
        self.energy = nn.Linear(64, 1)
        self.pull = nn.Linear(64, 1)

    def forward(self, x):
        h = self.trunk(x)
        return {"energy": self.energy(h).squeeze(1), "pull": self.pull(h).squeeze(1)}


model = TwoHeads()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
mse = nn.MSELoss()
for epoch in range(16):
    sums = {"energy": 0.0, "pull": 0.0}
    for x, energy, pull in loader:
        out = model(x)
        losses = {"energy": mse(out["energy"], energy), "pull": mse(out["pull"], pull)}
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
        for name, value in losses.items():
            sums[name] += value.item() / len(loader)
    with torch.no_grad():
        out = model(val_x)
        r2 = [1 - mse(out["energy"], val_energy) / val_energy.var(), 1 - mse(out["pull"], val_pull) / val_pull.var()]
    print(epoch, {k: round(v, 4) for k, v in sums.items()}, "val R2 %.3f %.3f" % (r2[0], r2[1]))
print("METRIC", (sum(r2) / 2).item())
