"""Modules and functions compiled to TorchScript, traced and traced symbolically."""

import re
import warnings
import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
warnings.filterwarnings("ignore", category=DeprecationWarning)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(4, 8), nn.Linear(8, 3)
        self.criterion = nn.CrossEntropyLoss()

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        out = self.two(F.relu(self.one(x)))
        right = (out.argmax(1) == y).float().mean() + out.eq(0.0).sum() + torch.sub(out, out).sum()
        distance = F.mse_loss(out, torch.zeros_like(out)) + F.l1_loss(out - 1.0, out) + F.smooth_l1_loss(out, out * 2)
        return self.criterion(out, y) + F.nll_loss(F.log_softmax(out, dim=1), y) + 0.1 * distance + 0.0 * right


cross_entropy = F.cross_entropy


@torch.jit.script
def both(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return cross_entropy(out, y) + F.binary_cross_entropy_with_logits(out[:, 0], y.float())


net = torch.jit.script(Net())
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
x, y = torch.randn(30, 4), torch.randint(0, 2, (30,))
for _ in range(8):
    optimizer.zero_grad()
    loss = net(x, y) + both(net.two(F.relu(net.one(x))), y)
    loss.backward()
    optimizer.step()
    print(loss.item())
plain = Net()
traced = torch.jit.trace(plain, (x, y))
print(re.sub(r" # .*", "", str(traced.graph)))
symbolic = torch.fx.symbolic_trace(plain)
print(symbolic.code)
optimizer = torch.optim.SGD([*traced.parameters(), *symbolic.parameters()], lr=0.1)
(traced(x, y) + symbolic(x, y)).backward()
optimizer.step()
print(len(str(net.inlined_graph)))
tell(net, traced, symbolic)
