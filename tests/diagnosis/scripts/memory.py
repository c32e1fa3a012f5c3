"""What the script lets go of is gone: networks, optimisers, batches, outputs, graphs; memory does not grow."""

import gc
import weakref
import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
alive = {}


def watch(name, thing):
    alive[name] = weakref.ref(thing)


def gone():
    gc.collect()
    print({name: reference() is None for name, reference in alive.items()})
    alive.clear()


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 4)

    def forward(self, x):
        return x + torch.relu(self.inner(x))


def train(steps, kind):
    net = nn.Sequential(Block(), nn.BatchNorm1d(4), nn.Linear(4, 2))
    optimizer = kind(net.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 3)
    for step in range(steps):
        x, y = torch.randn(8, 4), torch.randint(0, 2, (8,))
        optimizer.zero_grad()
        out = net(x)
        loss = F.cross_entropy(out, y)
        loss.backward()
        optimizer.step()
        schedule.step()
        if step in (0, steps - 1):
            for name, thing in (("x", x), ("y", y), ("out", out), ("loss", loss)):
                watch(f"{name} {step}", thing)
    with torch.no_grad():
        test = torch.randn(5, 4)
        right = (net(test).argmax(1) == torch.zeros(5)).sum()
    for name, thing in (
        ("net", net),
        ("optimizer", optimizer),
        ("schedule", schedule),
        ("right", right),
        ("test", test),
    ):
        watch(name, thing)
    watch("weight", net[0].inner.weight)


for kind in (torch.optim.SGD, torch.optim.Adam, torch.optim.SGD):
    train(8, kind)
    gone()


class Tells(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.told = Told()
        return x * 2

    @staticmethod
    def backward(ctx, gradient):
        return gradient * 2


class Told:
    count = 0

    def __init__(self):
        Told.count += 1

    def __del__(self):
        Told.count -= 1


net = nn.Linear(4, 4)
for _ in range(20):  # graphs that no backward pass ever frees
    out = Tells.apply(net(torch.randn(3, 4)))
    F.mse_loss(out, torch.zeros(3, 4))
    print(Told.count, end=" ")
del out
print(Told.count)
tell(net)
