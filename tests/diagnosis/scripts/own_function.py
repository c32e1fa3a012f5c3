"""An autograd function of the user's own that keeps a diary of its calls."""

import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
diary = []


class Straight(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        diary.append(("forward", torch.is_grad_enabled()))
        return x.sign()

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        diary.append(("backward", len(diary), ctx.needs_input_grad))
        return gradient * (x.abs() < 1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(4, 8), nn.Linear(8, 2)

    def forward(self, x):
        return self.two(Straight.apply(self.one(x)))


net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(10):
    x = torch.randn(16, 4)
    optimizer.zero_grad()
    F.cross_entropy(net(x), (x.sum(1) > 0).long()).backward()
    optimizer.step()
print(diary)
tell(net)
