"""Mixed precision on the CPU, with gradients scaled and clipped."""

import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
scaler = torch.amp.GradScaler("cpu", init_scale=128.0, growth_interval=3)
x, y = torch.randn(32, 1, 8, 8), torch.randint(0, 10, (32,))
for step in range(12):
    optimizer.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        out = net(x)
        loss = F.cross_entropy(out, y)
    scaler.scale(loss).backward()
    if step == 5:
        net[0].weight.grad[0] = float("inf")
    scaler.unscale_(optimizer)
    norm = nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    scaler.step(optimizer)
    scaler.update()
    print(out.dtype, loss.item(), norm.item(), scaler.get_scale())
tell(net, optimizer)
