import os
import math
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(int(os.environ.get("SEED", 0)))


def helix(n):
    """Points near a curve in five dimensions."""
    t = 2 * torch.rand(n, 1) - 1
    curve = torch.cat([t, torch.sin(2 * t), torch.cos(2 * t), t * t, torch.sin(3 * t)], 1)
    return curve + 0.08 * torch.randn(n, 5)


train, test = helix(3000), helix(1000)
mean, std = train.mean(0), train.std(0)
train, test = (train - mean) / std, (test - mean) / std


class VAE(nn.Module):
    def __init__(self, latent=2, hidden=64):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(5, hidden), nn.ELU(), nn.Linear(hidden, hidden), nn.ELU(), nn.Linear(hidden, 2 * latent))
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.ELU(), nn.Linear(hidden, hidden), nn.ELU(), nn.Linear(hidden, 5))
        self.log_sigma = nn.Parameter(torch.zeros(5))

    def elbo_terms(self, x):
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        residual = (x - self.decoder(z)) / self.log_sigma.exp()
        nll = (0.5 * residual ** 2 + self.log_sigma + 0.5 * math.log(2 * math.pi)).sum(1).mean()
        kl = 0.5 * (mu ** 2 + logvar.exp() - 1 - logvar).sum(1).mean()
        return nll, kl

    def sample(self, n):
        z = torch.randn(n, 2)
        mean = self.decoder(z)
        return mean + self.log_sigma.exp() * torch.randn_like(mean)


vae = VAE()
optimizer = torch.optim.Adam(vae.parameters(), lr=4e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=45)
for epoch in range(45):
    beta = min(1.0, (epoch + 1) / 6)
    sums = [0.0, 0.0]
    for idx in torch.randperm(3000).split(100):
        nll, kl = vae.elbo_terms(train[idx])
        loss = nll + beta * kl
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        sums = [sums[0] + nll.item() / 30, sums[1] + kl.item() / 30]
    scheduler.step()
    if epoch % 5 == 4:
        with torch.no_grad():
            print(f"epoch {epoch + 1} beta {beta:.2f} nll {sums[0]:.3f} kl {sums[1]:.3f} test {sum(vae.elbo_terms(test)).item():.3f}")

directions = F.normalize(torch.randn(5, 64), dim=0)
with torch.no_grad():
    a, b = (vae.sample(1000) @ directions).sort(0).values, (test @ directions).sort(0).values
print("METRIC", -(a - b).abs().mean().item())
