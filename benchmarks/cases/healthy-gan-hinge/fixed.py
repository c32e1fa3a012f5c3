import os
import torch
from torch import nn
import torch.nn.functional as F
from torch.nn.utils.parametrizations import spectral_norm
from sklearn.datasets import make_moons

seed = int(os.environ.get("SEED", 0))
torch.manual_seed(seed)
data, _ = make_moons(4000, noise=0.06, random_state=seed)
data = torch.tensor((data - data.mean(0)) / data.std(0), dtype=torch.float32)


class Generator(nn.Module):
    def __init__(self, z=8, width=64):
        super().__init__()
        self.z = z
        self.net = nn.Sequential(
            nn.Linear(z, width), nn.BatchNorm1d(width), nn.ReLU(),
            nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(),
            nn.Linear(width, 2))

    def forward(self, n):
        return self.net(torch.randn(n, self.z))


class Critic(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        sn = lambda a, b: spectral_norm(nn.Linear(a, b))
        self.l1, self.l2, self.l3, self.l4 = sn(2, width), sn(width, width), sn(width, width), sn(width, 1)

    def forward(self, x):
        x = F.leaky_relu(self.l1(2 * x), 0.1)
        x = F.leaky_relu(self.l2(x), 0.1)
        x = F.leaky_relu(self.l3(x), 0.1)
        return self.l4(x)


G, D = Generator(), Critic()
g_opt = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.0, 0.9))
d_opt = torch.optim.Adam(D.parameters(), lr=4e-3, betas=(0.0, 0.9))
decay = lambda step: 1 - step / 701
g_sched, d_sched = (torch.optim.lr_scheduler.LambdaLR(o, decay) for o in (g_opt, d_opt))
for step in range(700):
    for _ in range(2):
        real = data[torch.randint(0, len(data), (100,))]
        with torch.no_grad():
            fake = G(100)
        d_loss = F.relu(1 - D(real)).mean() + F.relu(1 + D(fake)).mean()
        d_opt.zero_grad()
        d_loss.backward()
        d_opt.step()
    g_loss = -D(G(100)).mean()
    g_opt.zero_grad()
    g_loss.backward()
    g_opt.step()
    g_sched.step()
    d_sched.step()
    if step % 100 == 99:
        print("step", step + 1, "d", round(d_loss.item(), 3), "g", round(g_loss.item(), 3))

G.eval()
with torch.no_grad():
    fake = G(len(data))
directions = F.normalize(torch.randn(2, 48), dim=0)
print("METRIC", -((fake @ directions).sort(0)[0] - (data @ directions).sort(0)[0]).abs().mean().item())
