import os
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(int(os.environ.get("SEED", 0)))


def orbits(n, steps=10, dt=0.15):
    """Two-dimensional springs: eight past points in, the next displacement in units of its spread out."""
    k = 0.5 + 2 * torch.rand(n, 1)
    place, speed = torch.randn(n, 2), torch.randn(n, 2)
    path = []
    for _ in range(steps):
        speed = speed - dt * k * place
        place = place + dt * speed
        path.append(place)
    path = torch.stack(path, 1)
    return path[:, :-1], (path[:, -1] - path[:, -2])


x, y = orbits(2600)
x, y = (x - x[:2000].mean(0)) / x[:2000].std(0), y / y[:2000].std(0)
x_tr, y_tr, x_te, y_te = x[:2000], y[:2000], x[2000:], y[2000:]


class Next(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(2, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, 2)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out[:, -1])


net = Next()
opt = torch.optim.Adam(net.parameters(), lr=6e-3)
sch = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=14)
for epoch in range(14):
    for i in torch.randperm(2000).split(40):
        loss = F.mse_loss(net(x_tr[i]), y_tr[i])
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
    sch.step()
    with torch.no_grad():
        val = F.mse_loss(net(x_te), y_te).item()
    print(f"epoch {epoch:2d} batch {loss.item():.4f} test {val:.4f}")
print("METRIC", 1 - val / y_te.var().item())
