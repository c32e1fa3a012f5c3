"""Gradients of gradients: a penalty, a Hessian by hand, a graph gone through twice and once too often."""

import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 8), nn.Softplus(), nn.Linear(8, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
for _ in range(8):
    x = torch.randn(16, 3, requires_grad=True)
    optimizer.zero_grad()
    out = net(x)
    (slope,) = torch.autograd.grad(out.sum(), x, create_graph=True)
    loss = ((slope.norm(dim=1) - 1) ** 2).mean() + F.mse_loss(out, x.sum(1, keepdim=True))
    loss.backward(retain_graph=True)
    (0.1 * out.mean()).backward()
    optimizer.step()
    print(loss.item(), x.grad.norm().item())
    try:
        loss.backward()
    except RuntimeError as error:
        print(type(error).__name__, str(error)[:60])
loss = F.mse_loss(net(x.detach()), torch.zeros(16, 1))
rows = torch.autograd.grad(loss, list(net.parameters()), create_graph=True)
second = torch.autograd.grad(sum(row.square().sum() for row in rows), list(net.parameters()), allow_unused=True)
tell(net, second)
