import os
import math
import torch
from torch import nn

torch.manual_seed(int(os.environ.get("SEED", 0)))


def sample(n):
    """A thin bent ridge: its density is high, so that the loss becomes negative."""
    a = 0.9 * torch.randn(n)
    b = 0.05 * torch.randn(n) + 0.5 * torch.sin(2 * a)
    return torch.stack([a, b], 1)


def true_log_density(x):
    a, b = x.unbind(1)
    z = (b - 0.5 * torch.sin(2 * a)) / 0.05
    return -0.5 * (a / 0.9) ** 2 - 0.5 * z ** 2 - math.log(2 * math.pi) - math.log(0.9 * 0.05)


class Coupling(nn.Module):
    def __init__(self, flip, hidden=32):
        super().__init__()
        self.flip = flip
        self.net = nn.Sequential(nn.Linear(1, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 2))
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, x):
        a, b = x.unbind(1)
        if self.flip:
            a, b = b, a
        log_scale, shift = self.net(a.unsqueeze(1)).unbind(1)
        log_scale = 2 * torch.tanh(log_scale / 2)
        b = b * log_scale.exp() + shift
        return torch.stack([b, a] if self.flip else [a, b], 1), log_scale


class Flow(nn.Module):
    def __init__(self, depth=6):
        super().__init__()
        self.layers = nn.ModuleList(Coupling(flip=i % 2 == 1) for i in range(depth))

    def log_prob(self, x):
        total = torch.zeros(len(x))
        for layer in self.layers:
            x, log_det = layer(x)
            total = total + log_det
        return total - 0.5 * x.pow(2).sum(1) - math.log(2 * math.pi)


train, test = sample(4000), sample(2000)
flow = Flow()
opt = torch.optim.Adam(flow.parameters(), lr=4e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 12)
for epoch in range(12):
    mean = 0.0
    for idx in torch.randperm(len(train)).split(100):
        loss = -flow.log_prob(train[idx]).mean()
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
        opt.step()
        mean += loss.item() / 40
    sched.step()
    with torch.no_grad():
        nll = -flow.log_prob(test).mean().item()
    print(f"epoch {epoch} train {mean:.4f} test {nll:.4f} (best possible {-true_log_density(test).mean().item():.4f})")
print("METRIC", -nll)
