"""Weights without modules, changed by hand; gradients by `backward` and by `torch.autograd.grad`."""

import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
w = torch.randn(5, 3, requires_grad=True)
b = torch.zeros(3, requires_grad=True)
x, y = torch.randn(40, 5), torch.randint(0, 3, (40,))
for step in range(30):
    out = torch.tanh(x @ w) + b
    loss = -F.log_softmax(out, 1)[torch.arange(40), y].mean()
    if step % 2:
        loss.backward()
        with torch.no_grad():
            for p in (w, b):
                p -= 0.5 * p.grad
                p.grad = None
    else:
        with torch.no_grad():
            for p, g in zip((w, b), torch.autograd.grad(loss, (w, b))):
                p.sub_(g, alpha=0.5)
    print(loss.item(), torch.eq(out.argmax(1), y).sum().item(), (1 - out).sum().item())
tell(w, b)
