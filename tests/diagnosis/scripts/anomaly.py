"""Anomaly detection, and a gradient that is not a number."""

import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
x = torch.randn(10, 3)
with torch.autograd.set_detect_anomaly(True):
    for step in range(5):
        optimizer.zero_grad()
        loss = torch.sqrt(F.mse_loss(net(x), net(x).detach() + (step < 4)))
        try:
            loss.backward()
        except RuntimeError as error:
            print(error)
        optimizer.step()
tell(net)
