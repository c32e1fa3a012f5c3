"""torch.func: gradients a sample, weights by hand, ensembles."""

from torch.func import functional_call, grad, grad_and_value, stack_module_state, vmap
import torch
from torch import nn
from torch.nn import functional as F

from ended import tell

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 2))
x, y = torch.randn(16, 3), torch.randint(0, 2, (16,))
weights = {name: value.detach().clone() for name, value in net.named_parameters()}


def loss_of(weights, x, y):
    out = functional_call(net, weights, (x,))
    return F.cross_entropy(out, y) + ((out - 1.0) ** 2).mean() * 0.01 + (out == out.detach()).sum() * 0


for _ in range(5):
    each = vmap(grad(loss_of), in_dims=(None, 0, 0))(weights, x[:, None], y[:, None])
    weights = {name: value - 0.1 * each[name].mean(0) for name, value in weights.items()}
gradients, loss = grad_and_value(loss_of)(weights, x, y)
print(loss.item(), {name: value.norm().item() for name, value in gradients.items()})
nets = [nn.Linear(3, 2) for _ in range(3)]
parameters, buffers = stack_module_state(nets)
out = vmap(lambda p, b, x: functional_call(nets[0], (p, b), (x,)), (0, 0, None), randomness="different")(
    parameters, buffers, x
)
out.sum().backward()
optimizer = torch.optim.SGD([*net.parameters(), *parameters.values()], lr=0.1)
F.cross_entropy(net(x), y).backward()
optimizer.step()
tell(weights, parameters, out, net)
