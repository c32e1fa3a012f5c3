"""Optimisers of the user's own: one overrides `step`, one is none of torch's."""

import inspect
import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)


class Noisy(torch.optim.SGD):
    """Adds noise."""

    def __init__(self, parameters, lr, noise):
        super().__init__(parameters, lr=lr, momentum=0.5)
        self.noise = noise

    def step(self, closure=None):
        loss = super().step(closure)
        for group in self.param_groups:
            for p in group["params"]:
                p.data.add_(torch.randn_like(p), alpha=self.noise)
        return loss


class Signs(torch.optim.Optimizer):
    def __init__(self, parameters, lr):
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.state[p]["steps"] = self.state[p].get("steps", 0) + 1
                    p -= group["lr"] * p.grad.sign()


net = nn.Sequential(nn.Linear(3, 8), nn.Sigmoid(), nn.Linear(8, 1))
noisy, signs = Noisy(net[0].parameters(), 0.1, 1e-3), Signs([{"params": net[2].parameters(), "lr": 0.01}], 0.1)
for _ in range(20):
    x = torch.randn(16, 3)
    net.zero_grad()
    F.binary_cross_entropy_with_logits(net(x), (x[:, :1] > 0).float()).backward()
    noisy.step()
    signs.step()
print(noisy, signs, inspect.signature(torch.optim.Optimizer.__init__), inspect.signature(Noisy), noisy.step.__name__)
tell(net, noisy, signs)
