"""Compiled modules, functions and losses, and a count of what was compiled how often."""

from torch._dynamo.testing import CompileCounterWithBackend
import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
counter = CompileCounterWithBackend("eager")
net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
compiled = torch.compile(net, backend=counter, fullgraph=True)
loss_of = torch.compile(
    lambda out, y: F.cross_entropy(out, y) + (out - 1).square().mean(), backend=counter, fullgraph=True
)


@torch.compile(backend=counter, fullgraph=True)
def accuracy(out, y):
    return (
        (out.argmax(1) == y).float().mean() + torch.eq(y, y).sum() + torch.sub(out, out).sum() + out.sub(1).eq(0).sum()
    )


optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
x, y = torch.randn(40, 4), torch.randint(0, 2, (40,))
for _ in range(5):
    optimizer.zero_grad()
    out = compiled(x)
    loss_of(out, y).backward()
    optimizer.step()
    print(accuracy(out.detach(), y).item())
print(counter.frame_count, counter.op_count)
tell(net)
