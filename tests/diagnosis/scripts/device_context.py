"""The model and the loop stand in `with torch.device(...)`; later a default device and type are set."""

import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
with torch.device("cpu"):
    net = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(20):
        x = torch.randn(32, 5)
        optimizer.zero_grad()
        ((net(x).squeeze(1) - x.sum(1)) ** 2).mean().backward()
        optimizer.step()
torch.set_default_device("cpu")
torch.set_default_dtype(torch.float64)
net = nn.Linear(5, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(10):
    x = torch.randn(16, 5)
    optimizer.zero_grad()
    F.mse_loss(net(x), x.mean(1, keepdim=True)).backward()
    optimizer.step()
with torch.device("meta"):
    shadow = nn.Linear(5, 1)
    print(shadow(torch.randn(3, 5)).shape, F.mse_loss(shadow(torch.randn(3, 5)), torch.randn(3, 1)))
tell(net)
