"""A whole step compiled, with gradients traced ahead of time."""

import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
x = torch.randn(40, 4)


@torch.compile(backend="aot_eager")
def loss_of(x):
    out = net(x)
    return F.mse_loss(out, x.sum(1, keepdim=True)) + F.smooth_l1_loss(out, x[:, :1])


for _ in range(4):
    optimizer.zero_grad()
    loss = loss_of(x)
    loss.backward()
    optimizer.step()
    print(loss.item())
explained = torch._dynamo.explain(loss_of)(x)
print(explained.graph_count, explained.graph_break_count, explained.op_count)
tell(net, optimizer)
