"""L-BFGS, which calls the loop's closure itself, as often as it likes."""

import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.LBFGS(net.parameters(), lr=0.5, max_iter=6, line_search_fn="strong_wolfe")
x = torch.rand(50, 2)
calls = 0


def closure():
    global calls
    calls += 1
    optimizer.zero_grad()
    loss = nn.MSELoss()(net(x), x.prod(1, keepdim=True))
    loss.backward()
    return loss


for _ in range(10):
    print(optimizer.step(closure).item(), calls)
tell(net, optimizer)
