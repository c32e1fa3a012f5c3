import os
import torch
from torch import nn

torch.manual_seed(int(os.environ.get("SEED", 0)))
arrivals, servers, urgency = torch.rand(2000), torch.randint(1, 5, (2000,)).float(), torch.rand(2000)
wait = torch.log1p(6 * arrivals ** 2 / servers) * (1.5 - urgency) + torch.sin(4 * arrivals) * 0.3
wait = (wait - wait.mean()) / wait.std() + 0.05 * torch.randn(2000)
x = torch.stack([arrivals, servers, urgency], 1)
x = (x - x.mean(0)) / x.std(0)
weight = 0.5 + urgency

net = nn.Sequential(nn.Linear(3, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(16):
    for idx in torch.randperm(1600).split(40):
        residual = net(x[idx]) - wait[idx]
        loss = (weight[idx, None] * residual ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 3 == 0:
        print(epoch, round(loss.item(), 4))
with torch.no_grad():
    error = ((net(x[1600:]).flatten() - wait[1600:]) ** 2).mean()
print("METRIC", 1 - (error / wait[1600:].var()).item())
