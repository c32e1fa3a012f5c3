"""Hooks of the user's own, on modules, tensors, nodes and gradients, that count how often they are called."""

from collections import Counter
import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
calls = Counter()
net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.LayerNorm(8), nn.Linear(8, 3))


def count(name, result=None):
    def hook(*_):
        calls[name] += 1
        return result

    return hook


net[0].register_forward_pre_hook(count("before"))
net[1].register_forward_hook(count("after"))
net[1].register_full_backward_hook(count("back"))
net[3].register_full_backward_pre_hook(count("before back"))
net[0].weight.register_hook(count("weight"))
net[3].bias.register_post_accumulate_grad_hook(count("gathered"))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
optimizer.register_step_pre_hook(count("before step"))
optimizer.register_step_post_hook(count("after step"))
x, y = torch.randn(24, 4), torch.randint(0, 3, (24,))
for step in range(10):
    optimizer.zero_grad()
    hidden = net[2](net[1](net[0](x)))
    if step % 2:
        hidden.register_hook(count("hidden"))
        hidden.grad_fn.register_hook(count("node"))
        hidden.grad_fn.register_prehook(count("before node"))
    hidden.retain_grad()
    out = net[3](hidden) + net(x)
    torch.autograd.graph.register_multi_grad_hook((hidden, out), count("several"))
    F.cross_entropy(out, y).backward()
    optimizer.step()
    print(hidden.grad.norm().item())
other = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
optimizer = torch.optim.SGD(other.parameters(), lr=0.1)
for _ in range(3):
    hidden = other[0](x)
    out = other[2](torch.tanh(hidden) * 2)
    out.grad_fn.register_hook(count("node only"))
    F.cross_entropy(out, y).backward()
    optimizer.step()
print(sorted(calls.items()))
tell(net, other)
