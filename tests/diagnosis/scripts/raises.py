"""An exception deep in a network, told by the script, and one it does not catch."""

import logging
import sys
import traceback
import warnings
import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)


class Brittle(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 2)

    def forward(self, x):
        warnings.warn(f"{len(x)} samples", stacklevel=2)
        if len(x) == 7:
            traceback.print_stack()
        if len(x) > 9:
            raise ValueError("too many")
        return self.inner(x)


net = nn.Sequential(nn.Linear(4, 4), Brittle())
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for size in range(6, 12):
    x = torch.randn(size, 4)
    optimizer.zero_grad()
    try:
        loss = F.cross_entropy(net(x), torch.zeros(size, dtype=torch.long))
        loss.backward()
    except ValueError:
        traceback.print_exc()
        logging.exception("again")
        print(len(traceback.extract_tb(sys.exc_info()[2])))
    optimizer.step()
for attempt in (
    lambda: F.cross_entropy(net(x[:5]), torch.zeros(4, dtype=torch.long)),
    lambda: F.mse_loss(x[:5], x[:5, :3]),
    lambda: x.backward(),
    lambda: x - torch.zeros(5, 5),
    lambda: net.load_state_dict({}),
    lambda: torch.optim.SGD([], lr=0.1),
    lambda: torch.autograd.grad(x.sum(), x),
):
    try:
        attempt()
    except (ValueError, RuntimeError):
        traceback.print_exc()
F.mse_loss(torch.zeros(3, 1), torch.zeros(3))
nn.MSELoss()(torch.zeros(3, 1), torch.zeros(3))
tell(net)
net(torch.randn(6, 3))
