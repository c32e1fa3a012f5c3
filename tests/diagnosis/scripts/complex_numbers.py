"""Complex weights, inputs and losses; values in double precision; images whose channels come last."""

import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
net = nn.Linear(4, 4, dtype=torch.complex64)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
for _ in range(10):
    x = torch.randn(16, 4, dtype=torch.complex64)
    optimizer.zero_grad()
    difference = net(x) - torch.fft.fft(x)
    loss = difference.abs().square().mean()
    loss.backward()
    optimizer.step()
    print(loss.item(), (net(x) == x).sum().item())
images = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 2)).double()
images = images.to(memory_format=torch.channels_last)
optimizer = torch.optim.SGD(images.parameters(), lr=0.1)
for _ in range(5):
    x = torch.randn(8, 2, 6, 6, dtype=torch.float64).to(memory_format=torch.channels_last)
    optimizer.zero_grad()
    F.cross_entropy(images(x), (x.mean((1, 2, 3)) > 0).long()).backward()
    optimizer.step()
tell(net, images)
