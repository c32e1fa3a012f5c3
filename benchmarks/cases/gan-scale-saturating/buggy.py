import os
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(int(os.environ.get("SEED", 0)))
B = 100


def data(n):
    t = torch.rand(n, 1) * 2 - 1
    return torch.cat([2 * t, 1.5 + t ** 2, -1 + 0.5 * t], 1) + 0.1 * torch.randn(n, 3)


def mlp(a, b, width=48):
    return nn.Sequential(nn.Linear(a, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, b))


G, D = mlp(4, 3), mlp(3, 1)
g_optim = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.999))
d_optim = torch.optim.Adam(D.parameters(), lr=8e-3, betas=(0.5, 0.999))
D_STEPS = 3
for it in range(1, 701):
    for _ in range(D_STEPS):
        d_loss = F.softplus(-D(data(B))).mean() + F.softplus(D(G(torch.randn(B, 4)).detach())).mean()
        d_optim.zero_grad()
        d_loss.backward()
        d_optim.step()
    g_loss = -F.softplus(D(G(torch.randn(B, 4)))).mean()
    g_optim.zero_grad()
    g_loss.backward()
    g_optim.step()
    if it % 100 == 0:
        print(it, f"D {d_loss.item():.4f} G {g_loss.item():.4f}")

with torch.no_grad():
    a, b = G(torch.randn(2000, 4)), data(2000)
w = F.normalize(torch.randn(3, 40), dim=0)
print("METRIC", -((a @ w).sort(0)[0] - (b @ w).sort(0)[0]).abs().mean().item())
