import math
import os

import torch
from torch import nn

torch.manual_seed(int(os.environ.get("SEED", 0)))

# u'' + 2 d u' + w^2 u = 0,  u(0) = 1, u'(0) = 0
DAMPING, OMEGA, END = 0.4, 3.0, 3.0


def exact(t):
    root = math.sqrt(OMEGA ** 2 - DAMPING ** 2)
    return torch.exp(-DAMPING * t) * (torch.cos(root * t) + DAMPING / root * torch.sin(root * t))


class Solution(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(1, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))

    def forward(self, t):
        return self.body(2 * t / END - 1)


def derivative(y, t):
    return torch.autograd.grad(y, t, torch.ones_like(y), create_graph=True)[0]


u = Solution()
optimizer = torch.optim.Adam(u.parameters(), lr=6e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=1600)
for step in range(1, 1601):
    t = (torch.rand(64, 1) * END).requires_grad_()
    y = u(t)
    dy = derivative(y, t)
    residual = derivative(dy, t) + 2 * DAMPING * dy + OMEGA ** 2 * y
    zero = torch.zeros(1, 1, requires_grad=True)
    start = u(zero)
    slope = derivative(start, zero)
    loss = 0.02 * residual.pow(2).mean() + (start - 1).pow(2).mean() + 0.2 * slope.pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 200 == 0:
        print(step, f"loss {loss.item():.6f} residual {residual.pow(2).mean().item():.5f}")

grid = torch.linspace(0, END, 300).unsqueeze(1)
with torch.no_grad():
    error = (u(grid) - exact(grid)).pow(2).mean()
print("METRIC", (1 - error / exact(grid).var()).item())
