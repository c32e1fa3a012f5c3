"""Weights that are computed: normalised, spectral, orthogonal, pruned, lazy; hooks that do so the old way."""

from torch.nn.utils import parametrizations, parametrize, prune
from torch.nn.utils import weight_norm as old_weight_norm
import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).T


square = nn.Linear(6, 6)
parametrize.register_parametrization(square, "weight", Symmetric())
net = nn.Sequential(
    parametrizations.weight_norm(nn.Linear(6, 6)),
    nn.Tanh(),
    parametrizations.spectral_norm(nn.Linear(6, 6)),
    nn.Tanh(),
    parametrizations.orthogonal(nn.Linear(6, 6)),
    nn.Tanh(),
    square,
    nn.LazyLinear(6),
    nn.Tanh(),
    old_weight_norm(nn.Linear(6, 2)),
)
net(torch.randn(2, 6))
prune.l1_unstructured(net[7], "weight", amount=0.3)
optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
for step in range(10):
    x = torch.randn(16, 6)
    optimizer.zero_grad()
    with parametrize.cached():
        F.cross_entropy(net(x), (x[:, 0] > 0).long()).backward()
    optimizer.step()
    print(net(x).sum().item())
tell(net)
