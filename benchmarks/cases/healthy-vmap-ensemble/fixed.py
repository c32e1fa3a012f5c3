import copy
import os
import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

torch.manual_seed(int(os.environ.get("SEED", 0)))
MEMBERS = 8
x = torch.rand(1500, 2) * 4 - 2
y = (torch.sin(2 * x[:, :1]) * x[:, 1:] + 0.15 * torch.randn(1500, 1))
y = (y - y.mean()) / y.std()
x_train, y_train, x_test, y_test = x[:1200], y[:1200], x[1200:], y[1200:]

networks = [nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1)) for _ in range(MEMBERS)]
parameters, buffers = stack_module_state(networks)
base = copy.deepcopy(networks[0]).to("meta")


def predict(parameters, buffers, x):
    return functional_call(base, (parameters, buffers), (x,))


ensemble = vmap(predict, in_dims=(0, 0, 0))
optimizer = torch.optim.Adam(parameters.values(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 30)
for epoch in range(30):
    order = torch.stack([torch.randperm(1200) for _ in range(MEMBERS)])  # each member has its own order
    for idx in order.split(60, dim=1):
        out = ensemble(parameters, buffers, x_train[idx])
        loss = ((out - y_train[idx]) ** 2).mean(dim=(1, 2)).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    if epoch % 5 == 4:
        print("epoch", epoch + 1, "loss per member", round(loss.item() / MEMBERS, 4))
with torch.no_grad():
    mean = ensemble(parameters, buffers, x_test.expand(MEMBERS, -1, -1)).mean(0)
print("METRIC", 1 - ((mean - y_test) ** 2).mean().item() / y_test.var().item())
