"""Modules that override `__call__`, return what they like, and call one another by keyword."""

from dataclasses import dataclass
import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)


@dataclass
class Output:
    logits: torch.Tensor
    hidden: dict


class Loud(nn.Module):
    def __call__(self, *arguments, **keywords):
        print("called", type(self).__name__, len(arguments), sorted(keywords))
        return super().__call__(*arguments, **keywords)


class Inner(Loud):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 8) / 2)

    def forward(self, *, x, scale=1.0):
        return {"x": x @ self.weight * scale}


class Outer(Loud):
    def __init__(self):
        super().__init__()
        self.inner, self.head = Inner(), nn.Linear(8, 2)

    def forward(self, batch, flag=None):
        hidden = self.inner(x=batch["x"], scale=0.5)
        return Output(self.head(torch.relu(hidden["x"])), hidden)


class Silent(nn.Linear):
    def __call__(self, x):
        return self.forward(x) * 2


net, silent = Outer(), Silent(2, 2)
optimizer = torch.optim.SGD([*net.parameters(), *silent.parameters()], lr=0.1)
for _ in range(6):
    x = torch.randn(16, 4)
    optimizer.zero_grad()
    out = net({"x": x}, flag=True)
    F.cross_entropy(silent(out.logits), (x[:, 0] > 0).long()).backward()
    optimizer.step()
print(nn.Module.__call__.__name__, net.__call__.__func__.__qualname__)
tell(net, silent)
