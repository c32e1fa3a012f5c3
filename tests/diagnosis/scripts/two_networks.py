"""A generator and a discriminator, each with an optimiser; weights of one frozen for a while."""

import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
maker = nn.Sequential(nn.Linear(4, 16), nn.LeakyReLU(0.2), nn.Linear(16, 2))
judge = nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(2, 16)), nn.LeakyReLU(0.2), nn.Linear(16, 1))
first = torch.optim.Adam(maker.parameters(), 1e-3, betas=(0.5, 0.9))
second = torch.optim.RMSprop(judge.parameters(), 1e-3)
criterion = nn.BCEWithLogitsLoss()
for step in range(40):
    real, made = torch.randn(24, 2) + 2, maker(torch.randn(24, 4))
    second.zero_grad()
    loss = criterion(judge(real), torch.ones(24, 1)) + criterion(judge(made.detach()), torch.zeros(24, 1))
    loss.backward()
    second.step()
    judge.requires_grad_(False)
    first.zero_grad()
    (-judge(made).mean()).backward()
    first.step()
    judge.requires_grad_(True)
    if step % 10 == 0:
        print(loss.item(), made.std().item())
tell(maker, judge, first, second)
