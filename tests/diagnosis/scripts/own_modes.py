"""Modes of the user's own see every function and every operation, and count them."""

from collections import Counter
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
functions, operations = Counter(), Counter()


class Functions(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        functions[getattr(func, "__name__", str(func))] += 1
        return func(*args, **(kwargs or {}))


class Operations(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        operations[str(func)] += 1
        return func(*args, **(kwargs or {}))


net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
optimizer = torch.optim.AdamW(net.parameters())
x, y = torch.randn(30, 4), torch.randint(0, 2, (30,))


def train(steps):
    for _ in range(steps):
        optimizer.zero_grad()
        out = net(x)
        F.cross_entropy(out, y).backward()
        optimizer.step()
        print((out.argmax(1) == y).sum().item(), (out - 1.0).sum().item(), out.eq(y[:, None]).sum().item())


with Functions():
    train(3)
with Operations():
    train(3)
with Functions(), Operations():
    train(3)
train(2)
print(sorted(functions.items()))
print(sorted(operations.items()))
tell(net, optimizer)
