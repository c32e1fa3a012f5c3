import os
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(int(os.environ.get("SEED", 0)))
SOURCES, LATENT, DIM = 8, 4, 30
mixing = torch.randn(LATENT, DIM) / LATENT ** 0.5
centres = 1.6 * torch.randn(SOURCES, LATENT)


def draw(n):
    label = torch.randint(0, SOURCES, (n,))
    z = centres[label] + 0.45 * torch.randn(n, LATENT)
    return z, label


def view(z):
    gain = 1 + 0.1 * torch.randn(len(z), 1)
    return gain * torch.tanh(z @ mixing) + 0.3 * torch.randn(len(z), DIM)


def nt_xent(a, b, temperature=0.3):
    z = F.normalize(torch.cat([a, b]), dim=1)
    similarity = z @ z.T / temperature
    similarity.fill_diagonal_(float("-inf"))
    n = len(a)
    partner = torch.arange(2 * n).roll(n)
    return F.cross_entropy(similarity, partner)


encoder = nn.Sequential(nn.Linear(DIM, 64), nn.ReLU(), nn.Linear(64, 16))
projector = nn.Sequential(nn.ReLU(), nn.Linear(16, 16))
params = list(encoder.parameters()) + list(projector.parameters())
optimizer = torch.optim.Adam(params, lr=3e-3, weight_decay=1e-5)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 400)
for step in range(400):
    z, _ = draw(96)
    loss = nt_xent(projector(encoder(view(z))), projector(encoder(view(z))))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 80 == 79:
        print("contrastive", step + 1, round(loss.item(), 4))

encoder.requires_grad_(False)
probe = nn.Linear(16, SOURCES)
optimizer = torch.optim.Adam(probe.parameters(), lr=0.02)
z, label = draw(800)
features = encoder(view(z))
features_mean, features_std = features.mean(0), features.std(0)
features = (features - features_mean) / features_std
for step in range(150):
    loss = F.cross_entropy(probe(features), label)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("probe", round(loss.item(), 4))
z, label = draw(1000)
with torch.no_grad():
    out = probe((encoder(view(z)) - features_mean) / features_std)
print("METRIC", (out.argmax(1) == label).float().mean().item())
