import os
import torch
import torch.nn as nn
from torch.optim import Adam

torch.manual_seed(int(os.environ.get("SEED", 0)))


def ring(n):
    angle = 2 * torch.pi * torch.rand(n)
    radius = 1.2 + 0.12 * torch.randn(n)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)


LATENT, BATCH = 4, 128
generator = nn.Sequential(nn.Linear(LATENT, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
discriminator = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
bce = nn.BCEWithLogitsLoss()
opt_g = Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
opt_d = Adam(discriminator.parameters(), lr=2e-3, betas=(0.5, 0.999))
ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)
average = [p.detach().clone() for p in generator.parameters()]

for step in range(1, 1201):
    fake = generator(torch.randn(BATCH, LATENT))
    opt_d.zero_grad()
    loss_d = bce(discriminator(ring(BATCH)), ones) + bce(discriminator(fake.detach()), zeros)
    loss_d.backward()
    opt_d.step()

    opt_g.zero_grad()
    loss_g = bce(discriminator(fake), ones)
    loss_g.backward()
    opt_g.step()
    with torch.no_grad():
        for kept, p in zip(average, generator.parameters()):
            kept.lerp_(p, 0.01)
    if step % 200 == 0:
        print(f"{step} D {loss_d.item():.4f} G {loss_g.item():.4f}")

with torch.no_grad():
    for kept, p in zip(average, generator.parameters()):
        p.copy_(kept)
    samples, real = generator(torch.randn(2000, LATENT)), ring(2000)
angles = torch.arange(36) * torch.pi / 36
lines = torch.stack([angles.cos(), angles.sin()])
print("METRIC", -((samples @ lines).sort(0).values - (real @ lines).sort(0).values).abs().mean().item())
