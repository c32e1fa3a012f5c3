import math
import os
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(int(os.environ.get("SEED", 0)))
angle = 2 * math.pi * torch.arange(5) / 5
spots = 1.4 * torch.stack([angle.cos(), angle.sin()], 1)
draw = lambda n: spots[torch.randint(0, 5, (n,))] + 0.15 * torch.randn(n, 2)
N, Z = 128, 8

gen = nn.Sequential(nn.Linear(Z, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
dis = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
GEN_STEPS = 1
opt_gen = torch.optim.Adam(gen.parameters(), lr=1e-3, betas=(0.5, 0.9))
opt_dis = torch.optim.Adam(dis.parameters(), lr=2e-3, betas=(0.5, 0.9))


def toggle(net, on):
    for p in net.parameters():
        p.requires_grad_(on)


for step in range(800):
    toggle(dis, True)
    loss_dis = F.softplus(-dis(draw(N))).mean() + F.softplus(dis(gen(torch.randn(N, Z)).detach())).mean()
    opt_dis.zero_grad()
    loss_dis.backward()
    opt_dis.step()
    toggle(dis, False)
    for _ in range(GEN_STEPS):
        loss_gen = F.softplus(-dis(gen(torch.randn(N, Z)))).mean()
        opt_gen.zero_grad()
        loss_gen.backward()
        opt_gen.step()
    if step % 100 == 99:
        print("step", step + 1, "dis", round(loss_dis.item(), 3), "gen", round(loss_gen.item(), 3))

with torch.no_grad():
    made = gen(torch.randn(2000, Z))
    spread = torch.bincount(torch.cdist(made, spots).argmin(1), minlength=5) / 2000
print("shares", [round(s, 3) for s in spread.tolist()])
directions = torch.stack([torch.arange(32).mul(math.pi / 32).cos(), torch.arange(32).mul(math.pi / 32).sin()])
print("METRIC", -((made @ directions).sort(0)[0] - (draw(2000) @ directions).sort(0)[0]).abs().mean().item())
