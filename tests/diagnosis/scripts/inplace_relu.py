"""Activations in place, and sums in place of what they give."""

import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(inplace=True), nn.Linear(16, 16), nn.ReLU(inplace=True), nn.Linear(16, 3))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
x, y = torch.randn(64, 6), torch.randint(0, 3, (64,))
for step in range(40):
    optimizer.zero_grad()
    loss = F.cross_entropy(F.relu_(net(x)).clone().add_(0.1), y)
    loss.backward()
    loss += 1.0
    optimizer.step()
    if step % 10 == 0:
        print(step, loss.item(), (net(x).argmax(1) == y).float().mean().item())
tell(net, optimizer)
