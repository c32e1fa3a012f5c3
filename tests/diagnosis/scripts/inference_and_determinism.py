"""Inference mode before, during and after training; deterministic algorithms, with a word where there are none."""

import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
torch.use_deterministic_algorithms(True, warn_only=True)
net = nn.Sequential(nn.Conv1d(1, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveMaxPool1d(4), nn.Flatten(), nn.Linear(16, 2))
with torch.inference_mode():
    before = net(torch.randn(4, 1, 12))
    print(before.is_inference(), F.cross_entropy(before, torch.zeros(4, dtype=torch.long)).item())
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(8):
    x = torch.randn(16, 1, 12)
    y = (x.mean((1, 2)) > 0).long()
    optimizer.zero_grad()
    out = F.interpolate(x, scale_factor=2, mode="linear")[:, :, ::2]
    F.cross_entropy(net(out), y).backward()
    optimizer.step()
    with torch.inference_mode():
        test = net(x)
        print((test.argmax(1) == y).sum().item(), ((test - 1) ** 2).mean().item(), test.is_inference())
try:
    (test * net[4].weight.sum()).sum().backward()
except RuntimeError as error:
    print(error)
tell(net, before)
