import os
import torch
from torch import nn

torch.manual_seed(int(os.environ.get("SEED", 0)))


def real_batch(n):
    component = torch.randint(0, 3, (n,))
    means = torch.tensor([[-1.5, 0.0], [1.0, 1.2], [1.0, -1.2]])
    return means[component] + 0.3 * torch.randn(n, 2)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))

    def forward(self, z):
        return self.model(z)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))

    def forward(self, x):
        return torch.sigmoid(self.model(x))


LR_G, LR_D = 1e-3, 2e-3
generator, discriminator = Generator(), Discriminator()
optimizer_g = torch.optim.Adam(generator.parameters(), lr=LR_G, betas=(0.5, 0.999))
optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=LR_D, betas=(0.5, 0.999))
bce = nn.BCELoss()
valid, fake = torch.ones(128, 1), torch.zeros(128, 1)
for i in range(900):
    optimizer_g.zero_grad()
    made = generator(torch.randn(128, 6))
    g_loss = bce(discriminator(made), valid)
    g_loss.backward()
    optimizer_g.step()

    optimizer_d.zero_grad()
    d_loss = (bce(discriminator(real_batch(128)), valid) + bce(discriminator(made.detach()), fake)) / 2
    d_loss.backward()
    optimizer_d.step()
    if i % 150 == 149:
        print(f"[{i + 1}] [D loss: {d_loss.item():f}] [G loss: {g_loss.item():f}]")

with torch.no_grad():
    out, real = generator(torch.randn(2000, 6)), real_batch(2000)
angles = torch.linspace(0, 3.0, 30)
lines = torch.stack([angles.cos(), angles.sin()])
print("METRIC", -((out @ lines).sort(0).values - (real @ lines).sort(0).values).abs().mean().item())
